"""The screens' own words, in the languages of the pages: titles, columns, and what keys do.

They are looked up by their English text, which is in the code where it is shown. Sentences that
commands also print are in English on the screen, too.
"""

from scripts.desk.screen.output import counted

# Simplified and traditional Chinese. A reviewer is 受理人员, never 审查员, which is a censor.
_WORDS = {
    # What keys do.
    "I know somebody": ("我认识其中的人", "我認識其中的人"),
    "a line down": ("下一行", "下一行"),
    "a line up": ("上一行", "上一行"),
    "all": ("全部", "全部"),
    "all cases": ("全部案件", "全部案件"),
    "all keys": ("所有按键", "所有按鍵"),
    "allow a flag": ("放行某标记", "放行某標記"),
    "answer": ("答复", "答覆"),
    "approve": ("批准", "批准"),
    "assign": ("分配", "分配"),
    "back": ("返回", "返回"),
    "back up": ("往回", "往回"),
    "begin": ("开头", "開頭"),
    "black out": ("涂黑", "塗黑"),
    "black out a box": ("涂黑一块", "塗黑一塊"),
    "case": ("案件", "案件"),
    "charts": ("图表", "圖表"),
    "choose": ("选择", "選擇"),
    "compare": ("比较", "比較"),
    "confirm": ("确认", "確認"),
    "delete view": ("删除视图", "刪除檢視"),
    "deny": ("否认", "否認"),
    "done": ("完成", "完成"),
    "down": ("下", "下"),
    "empty": ("清空", "清空"),
    "end": ("末尾", "末尾"),
    "enter facts": ("录入事实", "錄入事實"),
    "field before": ("上一栏", "上一欄"),
    "files": ("文件", "檔案"),
    "fill in": ("填写", "填寫"),
    "filter": ("筛选", "篩選"),
    "first": ("最前", "最前"),
    "give up": ("放弃", "放棄"),
    "hand over": ("移交", "移交"),
    "keep": ("保留", "保留"),
    "language": ("语言", "語言"),
    "last": ("最后", "最後"),
    "leave": ("退出", "離開"),
    "lock": ("锁定", "鎖定"),
    "log": ("保管记录", "保管紀錄"),
    "look here": ("在此查看", "在此查看"),
    "mark": ("标记", "標記"),
    "next": ("下一个", "下一個"),
    "next field": ("下一栏", "下一欄"),
    "next figure": ("下一图", "下一圖"),
    "next pair": ("下一对", "下一對"),
    "next view": ("下一视图", "下一檢視"),
    "no": ("否", "否"),
    "note": ("备注", "備註"),
    "on": ("继续", "繼續"),
    "open": ("打开", "開啟"),
    "open the case": ("打开案件", "開啟案件"),
    "outbox": ("待发件", "待寄件"),
    "page down": ("下一页", "下一頁"),
    "page up": ("上一页", "上一頁"),
    "pane": ("窗格", "窗格"),
    "pane before": ("上一窗格", "上一窗格"),
    "picture": ("绘图", "繪圖"),
    "pictures": ("图像", "圖像"),
    "previous": ("上一个", "上一個"),
    "previous figure": ("上一图", "上一圖"),
    "queue": ("列表", "列表"),
    "read": ("阅读", "閱讀"),
    "release": ("放行", "放行"),
    "reports": ("报告", "報告"),
    "reverse": ("倒序", "倒序"),
    "save": ("保存", "儲存"),
    "save view": ("保存视图", "儲存檢視"),
    "save, next": ("保存并继续", "儲存並繼續"),
    "sort": ("排序", "排序"),
    "take": ("采用", "採用"),
    "take back": ("收回", "收回"),
    "team": ("团队", "團隊"),
    "translation": ("译文", "譯文"),
    "type to find": ("输入以查找", "輸入以尋找"),
    "undo": ("撤销", "復原"),
    "unlock": ("解锁", "解鎖"),
    "up": ("上", "上"),
    "view before": ("上一视图", "上一檢視"),
    "views": ("视图", "檢視"),
    "words": ("查词", "查詞"),
    "write a gist": ("写摘要", "寫摘要"),
    "write all out": ("全部写出", "全部寫出"),
    "write it out": ("写出", "寫出"),
    "yes": ("是", "是"),
    # Titles of screens and of their parts.
    "Queue": ("列表", "列表"),
    "All cases": ("全部案件", "全部案件"),
    "Marked": ("已标记", "已標記"),
    "Outbox": ("待发件", "待寄件"),
    "Custody log": ("保管记录", "保管紀錄"),
    "Team": ("团队", "團隊"),
    "Hand over": ("移交", "移交"),
    "Charts": ("图表", "圖表"),
    "When claims lapse": ("诉讼时效", "訴訟時效"),
    "Agreement, and what was missed": ("一致程度与漏判", "一致程度與漏判"),
    "What the casebook holds, and what waits": ("案卷概况与待办", "案卷概況與待辦"),
    "All keys": ("所有按键", "所有按鍵"),
    "Review": ("审理", "審理"),
    "Adjudication": ("裁决", "裁決"),
    "not saved": ("未保存", "未儲存"),
    "and": ("与", "與"),
    "pair": ("对", "對"),
    "story": ("陈述", "陳述"),
    "facts and files": ("事实与文件", "事實與檔案"),
    "reviews and answers": ("审理与答复", "審理與答覆"),
    # Columns.
    "age": ("时长", "時長"),
    "urgency": ("紧急", "緊急"),
    "tier": ("等级", "等級"),
    "flags": ("标记", "標記"),
    "status": ("状态", "狀態"),
    "category": ("类别", "類別"),
    "text": ("内容", "內容"),
    "no.": ("号", "號"),
    "kind": ("种类", "種類"),
    "why it does not leave": ("不寄出的原因", "不寄出的原因"),
    "line": ("行", "行"),
    "time (UTC)": ("时间 (UTC)", "時間 (UTC)"),
    "act": ("行为", "行為"),
    "case or bundle": ("案件或包", "案件或包"),
    "reviewer": ("受理人员", "受理人員"),
    "name": ("名称", "名稱"),
    "reviewed": ("已审", "已審"),
    "assigned": ("已分配", "已分配"),
    "fingerprint": ("指纹", "指紋"),
    "bytes": ("字节", "位元組"),
    "kind, by its bytes": ("种类（按字节）", "種類（按位元組）"),
    "leaves": ("移交", "移交"),
    "why not, or what leaves": ("不移交的原因或内容", "不移交的原因或內容"),
    "field": ("栏目", "欄目"),
    "what it says": ("内容", "內容"),
}
_COUNTED = {
    "case": ("个案件", "個案件"),
    "part": ("部分", "部分"),
    "file": ("个文件", "個檔案"),
    "answer": ("份答复", "份答覆"),
    "line": ("行", "行"),
    "reviewer": ("名受理人员", "名受理人員"),
}
_PLACES = {"zh-Hans": 0, "zh-Hant": 1}


def word(english: str, language: str) -> str:
    """*english* in *language*, or unchanged if there is no translation."""
    return _WORDS[english][_PLACES[language]] if _has(language, english, _WORDS) else english


def many(number: int, unit: str, language: str) -> str:
    """A number with its unit, such as "2 files"."""
    if not _has(language, unit, _COUNTED):
        return counted(number, unit)
    return f"{number:,} {_COUNTED[unit][_PLACES[language]]}"


def place_of(index: int, count: int, language: str) -> str:
    """The position among *count*; *index* is from 0."""
    of = " / " if language in _PLACES else " of "
    return f"{index + 1:,}{of}{count:,}"


def _has(language: str, english: str, words: dict[str, tuple[str, str]]) -> bool:
    return language in _PLACES and english in words
