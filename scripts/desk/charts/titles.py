"""The words on charts, in the languages of the labels."""

from dropbox.label import trilingual
from scripts.desk.search.counted import ALL, DECIDED, LOOKED_AT, OF_MERIT, REVIEWED


def joined(language: str, *sentences: str) -> str:
    """*sentences* one after another, separated as the language does it."""
    return ("" if language.startswith("zh") else " ").join(sentences)


PAGE = trilingual("案件概览", "案件概覽", "The cases at a glance")
COUNTED = trilingual("截至 %s：共 %s 个案件。", "截至 %s：共 %s 個案件。", "On %s: %s cases.")
SMALL = trilingual(
    "“–”：小于 %s 的数字不显示，以免指向具体的人；同一图中能直接推算出它们的数字也略去。",
    "「–」：小於 %s 的數字不顯示，以免指向具體的人；同一圖中能直接推算出它們的數字也略去。",
    "“–”: numbers below %s are left out, since they could point at a person. In the same chart, so "
    "is the number from which a single one would follow.",
)
EVERY_NUMBER = trilingual(
    "显示所有数字，包括很小的数字：请勿外传。",
    "顯示所有數字，包括很小的數字：請勿外傳。",
    "All numbers are shown, small ones too: not for outsiders.",
)
SOURCE = trilingual(
    "数字来自复核结论；尚无结论时，来自当事人所述。",
    "數字來自複核結論；尚無結論時，來自當事人所述。",
    "Counted is what reviews concluded, and until then what claimants said.",
)
NO_SAMPLE = trilingual(
    "只包括主动来信的人，并非抽样调查。",
    "只包括主動來信的人，並非抽樣調查。",
    "Those are counted who chose to report: they are no sample of all whom it may concern.",
)
NOTHING = trilingual(
    "还没有可以统计的内容。", "還沒有可以統計的內容。", "There is nothing to count yet."
)
INTAKE = trilingual("收案时间", "收案時間", "When cases arrived")
INTAKE_BY_CATEGORY = trilingual(
    "收案时间与类别", "收案時間與類別", "When cases arrived, by category"
)
PROGRESS = trilingual("处理进度", "處理進度", "How far cases have come")
TIERS = trilingual("案件的成立程度", "案件的成立程度", "Merit of decided cases")
HARMS = trilingual("损害", "損害", "Harms")
HARMS_TOGETHER = trilingual("同时出现的损害", "同時出現的損害", "Harms that come together")
EVENTS = trilingual("有此类事件的案件", "有此類事件的案件", "Cases by what happened")
ROLES = trilingual(
    "有此类人物或组织的案件", "有此類人物或組織的案件", "Cases by the role of people in them"
)
LOSSES = trilingual("损失（按币种）", "損失（按幣別）", "Losses by currency")
LOSSES_NOTE = trilingual(
    "只计已有结论的案件，每案取各复核员所列总额中最低的；未计利息。",
    "只計已有結論的案件，每案取各複核員所列總額中最低的；未計利息。",
    "Of each decided case, the lowest total that a reviewer found; without interest.",
)
DECIDED_NOTE = trilingual(
    "已有结论的案件共 % 个。", "已有結論的案件共 % 個。", "% cases are decided."
)
NAMED = trilingual("其中列明金额的 % 个。", "其中列明金額的 % 個。", "% of them name a sum.")
SPREAD_NOTE = trilingual(
    "案件达 % 个才显示中位数，达 % 个才显示四分位数。",
    "案件達 % 個才顯示中位數，達 % 個才顯示四分位數。",
    "A median is shown from % cases on, quartiles from % on.",
)
DOMINATED = trilingual(
    "某一案件占合计的绝大部分、其损失可以推算到误差两成以内的，该合计也不显示。",
    "某一案件占合計的絕大部分、其損失可以推算到誤差兩成以內的，該合計也不顯示。",
    "A sum is left out too if one case makes up so much of it that its loss could be told to "
    "within a fifth.",
)
EXACT = trilingual(
    "合计为精确数字：某一案件占绝大部分时，可以看出其损失。供律师使用，请勿外传。",
    "合計為精確數字：某一案件占絕大部分時，可以看出其損失。供律師使用，請勿外傳。",
    "Sums are exact, so where one case makes up nearly all of a sum, its loss can be told: for "
    "counsel, not for outsiders.",
)
NO_RATES = trilingual("各币种未换算。", "各幣別未換算。", "Nothing is converted.")
CONVERTED = trilingual(
    "按律师给出的汇率合计 % %（%）。",
    "按律師給出的匯率合計 % %（%）。",
    "At counsel’s rates, all together % % (%).",
)
NOT_CONVERTED = trilingual("不含：%。", "不含：%。", "Without: %.")
NO_METHOD = trilingual("未说明依据", "未說明依據", "no method said")
LOW = trilingual("下四分位数", "下四分位數", "Lower quartile")
HIGH = trilingual("上四分位数", "上四分位數", "Upper quartile")
CURRENCY = trilingual("币种", "幣別", "Currency")
CASES = trilingual("案件数", "案件數", "Cases")
SUM = trilingual("合计", "合計", "Sum")
MEDIAN = trilingual("中位数", "中位數", "Median")
DAYS = trilingual("多久首次答复", "多久首次答覆", "Time to the first answer")
WEEK = trilingual("7 天以内", "7 天以內", "up to 7 days")
TWO_WEEKS = trilingual("8–14 天", "8–14 天", "8 to 14 days")
MONTH = trilingual("15–30 天", "15–30 天", "15 to 30 days")
QUARTER = trilingual("31–90 天", "31–90 天", "31 to 90 days")
LONGER = trilingual("超过 90 天", "超過 90 天", "longer")
NO_ANSWER = trilingual("尚未答复", "尚未答覆", "no answer yet")
CLOCK = trilingual("距时效届满", "距時效屆滿", "Time until claims lapse")
LAPSED = trilingual("已届满", "已屆滿", "lapsed")
UNTIL = (
    trilingual("90 天以内", "90 天以內", "within 90 days"),
    trilingual("91 天至一年", "91 天至一年", "91 days to a year"),
)
AFTER = trilingual("一年以上", "一年以上", "later")
NO_DATE = trilingual("没有日期", "沒有日期", "no date")
AGREEMENT = trilingual("复核员之间的一致程度", "複核員之間的一致程度", "Agreement of reviewers")
AGREEMENT_NOTE = trilingual(
    "1 为完全一致，0 为与随机无异。少于 % 个单位时，数字没有多少意义。",
    "1 為完全一致，0 為與隨機無異。少於 % 個單位時，數字沒有多少意義。",
    "1 is full agreement, 0 what chance would give. Fewer than % units say little.",
)
FIELD = trilingual("栏目", "欄目", "Field")
UNITS = trilingual("单位数", "單位數", "Units")
KAPPA = trilingual("κ", "κ", "Cohen’s κ")
ALPHA = trilingual("α", "α", "Krippendorff’s α")

# The steps of a case, in order.
STEPS = (
    (ALL, trilingual("收到", "收到", "arrived")),
    (LOOKED_AT, trilingual("有人看过", "有人看過", "looked at")),
    (REVIEWED, trilingual("已复核", "已複核", "reviewed")),
    (DECIDED, trilingual("已有结论", "已有結論", "decided")),
    (OF_MERIT, trilingual("成立", "成立", "of merit")),
)
# Fields that every campaign has, which have no label of their own.
OF_FIELDS = {
    "category": trilingual("类别", "類別", "Category"),
    "harms": trilingual("损害", "損害", "Harm"),
    "merit": trilingual("成立程度", "成立程度", "Merit"),
    "urgency": trilingual("紧急程度", "緊急程度", "Urgency"),
    "evidence": trilingual("证据强度", "證據強度", "Strength of evidence"),
    "flags": trilingual("标记", "標記", "Flag"),
    "outcome": trilingual("结果", "結果", "Outcome"),
    "status": trilingual("状态", "狀態", "Status"),
    "language": trilingual("语言", "語言", "Language"),
    "period_from": trilingual("开始时间", "開始時間", "Beginning"),
    "period_to": trilingual("结束时间", "結束時間", "End"),
}
