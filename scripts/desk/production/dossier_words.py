"""The words of a dossier in the languages of its labels; what people wrote is never translated."""

from collections.abc import Callable, Mapping

Words = Callable[..., str]
# In zh-Hans, zh-Hant and English.
_WORDS: Mapping[str, tuple[str, str, str]] = {
    "title": ("案件 {case}", "案件 {case}", "Case {case}"),
    "dossier": ("案卷", "案卷", "Dossier"),
    "page": ("第 {k} 页，共 {n} 页", "第 {k} 頁，共 {n} 頁", "{k} of {n}"),
    "campaign": ("征集", "徵集", "Campaign"),
    "organisation": ("组织", "組織", "Organisation"),
    "number": ("案卷编号", "案卷編號", "Dossier’s number"),
    "documents": ("文件编号", "文件編號", "Documents’ numbers"),
    "day": ("制作日期", "製作日期", "Made on"),
    "prepared": ("制作人", "製作人", "Prepared by"),
    "approved": ("批准人", "批准人", "Approved by"),
    "received": ("收到日期", "收到日期", "Received"),
    "language": ("语言", "語言", "Language"),
    "status": ("状态", "狀態", "Status"),
    "decided": ("评定日期", "評定日期", "Decided on"),
    "category": ("类别", "類別", "Category"),
    "merit": ("评级", "評級", "Merit"),
    "urgency": ("紧急程度", "緊急程度", "Urgency"),
    "evidence": ("证据强度（0–4）", "證據強度（0–4）", "Evidence (0–4)"),
    "period": ("期间", "期間", "Period"),
    "harms": ("损害", "損害", "Harms"),
    "flags": ("标记", "標記", "Flags"),
    "amounts": ("金额", "金額", "Amounts"),
    "gist": ("概要", "概要", "Gist"),
    "notice": (
        "原文是当事人所写，一字未改；译文在原文之后，另有标明，不是当事人所写。"
        "字体没有或看不见的字符以 [U+编码] 表示。",
        "原文是當事人所寫，一字未改；譯文在原文之後，另有標明，不是當事人所寫。"
        "字型沒有或看不見的字元以 [U+編碼] 表示。",
        "What the claimant wrote is in the original, first and unchanged. A translation follows "
        "it, is marked, and is not what the claimant wrote. A character that cannot be shown or "
        "seen is written as [U+…].",
    ),
    "notice_redacted": (
        "标有“已遮盖”之处有内容被遮盖，该处不是原文。",
        "標有「已遮蓋」之處有內容被遮蓋，該處不是原文。",
        "Where it says [redacted: …], something was blacked out; there it is not the original.",
    ),
    "statement": ("当事人陈述", "當事人陳述", "Statement of the claimant"),
    "correspondence": ("答复与往来", "答覆與往來", "Answers and correspondence"),
    "no_correspondence": ("没有往来。", "沒有往來。", "There was none."),
    "report": ("报告", "報告", "Report"),
    "message": ("补充", "補充", "Message"),
    "withdrawal": ("撤回", "撤回", "Withdrawal"),
    "answer": ("给当事人的答复", "給當事人的答覆", "Answer to the claimant"),
    "received_on": (
        "{kind}，{day} 收到，语言：{language}",
        "{kind}，{day} 收到，語言：{language}",
        "{kind}, received on {day}, in {language}",
    ),
    "left_on": (
        "{kind}，{day} 发出，语言：{language}",
        "{kind}，{day} 發出，語言：{language}",
        "{kind}, left on {day}, in {language}",
    ),
    "no_text": ("（没有文字）", "（沒有文字）", "(without a text)"),
    "translation": (
        "译文（{language}），译者：{by}，{made}，{day}",
        "譯文（{language}），譯者：{by}，{made}，{day}",
        "Translation into {language} by {by}, {made}, {day}",
    ),
    "gist_of": (
        "概要（{language}），作者：{by}，{made}，{day}",
        "概要（{language}），作者：{by}，{made}，{day}",
        "Gist in {language} by {by}, {made}, {day}",
    ),
    "by_hand": ("人工", "人工", "by hand"),
    "by_machine": ("机器：{machine}", "機器：{machine}", "by machine: {machine}"),
    "facts": ("事实", "事實", "Facts"),
    "decisions": ("审阅人的评定", "審閱人的評定", "What reviewers decided"),
    "claimant_said": ("当事人的回答", "當事人的回答", "What the claimant answered"),
    "nothing_said": ("没有回答。", "沒有回答。", "Nothing."),
    "events": ("事件", "事件", "Events"),
    "parties": ("人物与组织", "人物與組織", "People and organisations"),
    "files": ("证据清单", "證據清單", "Evidence"),
    "no_files": ("没有文件。", "沒有檔案。", "No file was sent."),
    "redacted": (
        "有遮盖；仅移交图片",
        "有遮蓋；僅移交圖片",
        "redacted; only pictures of it are handed over",
    ),
    "more_pictures": (
        "其余页面的图片见 images 文件夹。",
        "其餘頁面的圖片見 images 資料夾。",
        "The pictures of all further pages are in the folder images.",
    ),
    "text_head": (
        "{kind}，{day}，{language}",
        "{kind}，{day}，{language}",
        "{code}, {day}, {language}",
    ),
    "no_room": (
        "移交时未附图片",
        "移交時未附圖片",
        "it was handed over without pictures",
    ),
    "slip_page": ("{number} 第 {page} 页", "{number} 第 {page} 頁", "Page {page} of {number}"),
    "slip_file": ("文件 {number}", "檔案 {number}", "File of {number}"),
    "slip_why": (
        "没有图片。原因：{why}。",
        "沒有圖片。原因：{why}。",
        "There is no picture of it: {why}.",
    ),
    "slip_withheld": (
        "文件本身不移交。",
        "檔案本身不移交。",
        "The file itself is not handed over.",
    ),
    "slip_native": (
        "文件本身按原样移交：{path}",
        "檔案本身按原樣移交：{path}",
        "The file itself is handed over as it came: {path}",
    ),
    "nameless": ("其他工作站的审阅人", "其他工作站的審閱人", "a reviewer of another desk"),
    "source_page": ("第 {n} 页", "第 {n} 頁", "page {n}"),
    "source_line": ("第 {n} 行", "第 {n} 行", "line {n}"),
    "source_answer": ("答复 {n}", "答覆 {n}", "answer {n}"),
    "transcript": (
        "机器识别的文字，未经人工核对（{machine}；{by}，{day}）",
        "機器辨識的文字，未經人工核對（{machine}；{by}，{day}）",
        "Read by a machine; nobody has compared it with the picture ({machine}; for {by}, {day})",
    ),
    "legend": (
        "← 对方，→ 手机的主人，· 时间或通知；(?) 不确定",
        "← 對方，→ 手機的主人，· 時間或通知；(?) 不確定",
        "← is the other side, → whose telephone it was, · a time or a notice; (?) is uncertain",
    ),
    "transcript_page": ("第 {page} 页", "第 {page} 頁", "Page {page}"),
    "nothing_read": ("（没有识别出文字）", "（沒有辨識出文字）", "(no text was found)"),
    "head_number": ("编号", "編號", "Number"),
    "head_name": ("当事人所用文件名", "當事人所用檔名", "Name as sent"),
    "head_bytes": ("字节", "位元組", "Bytes"),
    "head_sha256": ("SHA-256", "SHA-256", "SHA-256"),
    "custody": ("保管记录", "保管紀錄", "Custody log"),
    "custody_note": (
        "截至本次移交开始时，保管日志中关于本案的所有记录；时间为 UTC。",
        "截至本次移交開始時，保管日誌中關於本案的所有紀錄；時間為 UTC。",
        "All that the custody log says of this case up to the beginning of this hand-over; times "
        "are UTC.",
    ),
    "head_time": ("时间", "時間", "Time"),
    "head_act": ("行为", "行為", "Act"),
    "head_by": ("何人", "何人", "By"),
    "hashes": ("校验值", "校驗值", "Hashes"),
    "hashes_note": (
        "本案每个文件的 SHA-256；SHA256SUMS 列出移交的全部文件并有签名。",
        "本案每個檔案的 SHA-256；SHA256SUMS 列出移交的全部檔案並有簽名。",
        "The SHA-256 of each file of this case; SHA256SUMS lists all files and is signed.",
    ),
    "head_path": ("文件", "檔案", "File"),
    "act_import": ("导入", "匯入", "imported"),
    "act_view": ("查看", "檢視", "viewed"),
    "act_export": ("导出", "匯出", "written out"),
    "act_label": ("评定", "評定", "reviewed"),
    "act_transcribe": ("机器识别文字", "機器辨識文字", "read by machine"),
    "act_answer": ("答复", "答覆", "answered"),
    "act_translate": ("翻译", "翻譯", "translated"),
    "act_assign": ("分配", "分配", "assigned"),
    "act_draw": ("抽取复核", "抽取複核", "drawn for review"),
    "act_link": ("关联", "關聯", "linked"),
    "act_release": ("放行答复", "放行答覆", "answer released"),
    "act_approve": ("准许移交", "准許移交", "let leave"),
    "act_redact": ("遮盖", "遮蓋", "redacted"),
    "act_event": ("事件", "事件", "event"),
    "act_party": ("人物与组织", "人物與組織", "party"),
    "act_contact": ("联络记录", "聯絡紀錄", "contact"),
    "act_number": ("编号", "編號", "numbered"),
}
_LANGUAGES = ("zh-Hans", "zh-Hant", "en")


def words(language: str) -> Words:
    """The words in *language*, one of the three: called with a code, and what goes into it."""
    at = _LANGUAGES.index(language)

    def word(code: str, /, **values: object) -> str:
        return _WORDS[code][at].format(**values)

    return word


def act(word: Words, code: str) -> str:
    """An act of the custody log, or its own code if it has no word."""
    return word(f"act_{code}") if f"act_{code}" in _WORDS else code
