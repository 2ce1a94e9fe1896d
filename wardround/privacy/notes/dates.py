"""Dates finer than a year, and ages over 89, in English and Chinese notes."""

import re

from wardround.privacy.notes.rules import Rule, rule

_I = re.IGNORECASE
_MONTH = (
    "(?=[JFMASONDjfmasond])(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sept?(?:ember)?|Oct(?:ober)?"
    r"|Nov(?:ember)?|Dec(?:ember)?)\b\.?"
)
_YEAR = r"(?P<y>(?:18|19|20)\d{2})"
_BIRTH = r"(?:d\.?o\.?b\.?|born(?:[ ]on|[ ]in)?|date[ ]of[ ]birth|birth[ ]?date|birthday|b\.(?=[ ]?\d))[ \t]{0,2}(?:is|was|[:：])?[ \t]{0,2}"
_TIME = r"(?:[T ]\d{1,2}:\d{2}(?::\d{2})?(?:\.\d+)?(?:Z|[+-]\d{2}:?\d{2})?)?"
_DAY = r"\d{1,2}(?:st|nd|rd|th)?"
_WEEKDAY = r"\b(?:(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)days?|Mon|Tues?|Wed|Thurs?|Fri|Sat)\b"
_HOLIDAY = (
    r"Christmas(?:[ ](?:Eve|Day))?|Thanksgiving|New[ ]Year'?s?(?:[ ](?:Eve|Day))?|Easter|Halloween|Hanukkah|Ramadan|Labor[ ]Day"
    r"|Memorial[ ]Day|Independence[ ]Day|Fourth[ ]of[ ]July|4th[ ]of[ ]July|Valentine'?s[ ]Day|Mother'?s[ ]Day|Father'?s[ ]Day"
    r"|Columbus[ ]Day|Presidents'?[ ]Day|Diwali|Passover|Eid|St\.?[ ]Patrick'?s[ ]Day|Boxing[ ]Day|Good[ ]Friday"
)
_ORDINAL = "(?:twenty[- ]|thirty[- ])?(?:first|second|third|fourth|fifth|sixth|seventh|eighth|ninth)|tenth|eleventh|twelfth|(?:thir|four|fif|six|seven|eigh|nine)teenth|twentieth|thirtieth"

SHARED: tuple[Rule, ...] = (
    rule("date", rf"(?<![\d.]){_YEAR}[-/.](?:0?[1-9]|1[0-2])[-/.](?:[0-2]?\d|3[01])(?!\d){_TIME}"),
    rule("date", rf"(?<![\d./-])\d{{1,2}}[-/.]\d{{1,2}}[-/.]{_YEAR}(?!\d){_TIME}"),
    rule("date", r"(?<![\d./-])\d{1,2}([-/])\d{1,2}\1(?:'?\d{2})(?![\d/-])"),
    rule("date", r"(?<![\d./-])(?:[0-2]?\d|3[01])\.(?:0?[1-9]|1[0-2])\.\d{2}(?![\d.])"),
    rule("date", rf"(?<![\d.]){_YEAR}(?:0[1-9]|1[0-2])(?:[0-2]\d|3[01])(?:\d{{4}}|\d{{6}})?(?!\d)"),
    rule("date", rf"(?<![\d./-]){_YEAR}[-/](?:0?[1-9]|1[0-2])(?![\d/-])"),
    rule("date", rf"(?<![\d./-])(?:0?[1-9]|1[0-2])/{_YEAR}(?![\d/])"),
)

ENGLISH: tuple[Rule, ...] = (
    rule("date", rf"{_BIRTH}(?P<x>[0-9A-Za-z][0-9A-Za-z,. /-]{{0,24}}\d)(?!\d)", _I, birth=True),
    rule("date", rf"\b{_MONTH}[ ]?(?:the[ ])?{_DAY}(?:\s?(?:-|–|to|through|and)\s?{_DAY})?,?[ ]?{_YEAR}(?!\d){_TIME}", _I),
    rule("date", rf"(?<![\d.]){_DAY}[ -]?(?:of[ ])?{_MONTH}[ ,-]{{0,2}}{_YEAR}(?!\d){_TIME}", _I),
    rule("date", rf"(?<![\d.])\d{{1,2}}[ -]?{_MONTH}[ ,-]?'?\d{{2}}(?!\d)", _I),
    rule("date", r"(?<![A-Za-z0-9])\d{1,2}(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)(?:(?P<y>(?:19|20)\d{2})|\d{2})(?!\d)", _I),
    rule("date", r"(?<![\d./])(?:0?[1-9]|1[0-2])/(?:[0-2]?\d|3[01])[ ]?(?:-|–|to|through)[ ]?(?:0?[1-9]|1[0-2])/(?:[0-2]?\d|3[01])(?![\d/])(?![ ]?(?:strength|motor|power))"),
    rule("date", rf"\b{_MONTH}[ ]\d{{1,2}},?[ ]'\d{{2}}(?!\d)", _I),
    rule("date", rf"\b{_MONTH}[ ]?(?:the[ ])?(?:{_DAY}|{_ORDINAL})(?!\d|[ ]?(?:mg|mcg|ml|units?|cm|mm|%))\b", _I),
    rule("date", rf"(?<![\d.])(?:{_DAY}|\b(?:the[ ])?(?:{_ORDINAL}))[ -]?(?:of[ ])?{_MONTH}(?![a-z])", _I),
    rule("date", rf"\b{_MONTH},?[ -]?(?:of[ ])?{_YEAR}(?!\d)", _I),
    rule("date", rf"\b{_MONTH}[ -]?'\d{{2}}(?!\d)", _I),
    rule("date", r"\b(?:January|February|April|June|July|August|September|October|November|December)\b", _I),
    rule(
        "date",
        r"""\b(?:in|since|until|by|last|next|this|early|late|mid|of|during|from|to|through|and)[- ](?:early[ -]|late[ -]|mid[ -]?)?
        (?P<x>(?-i:March|May|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec))\b(?![ ](?:be|have|not|need))""",
        _I,
    ),
    rule("date", _WEEKDAY),
    rule("date", r"\b(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)days?\b", _I),
    rule("date", rf"\b(?:{_HOLIDAY})\b(?:[ ](?:of[ ])?{_YEAR})?", _I),
    rule("date", rf"\b(?:spring|summer|fall|autumn|winter)(?:[ ]of)?[ ,]?[ ]?{_YEAR}", _I),
    rule("date", rf"\bQ[1-4][ ,]?[ ]?{_YEAR}|\b{_YEAR.replace('?P<y>', '?:')}[ ]?Q[1-4]", _I),
    rule("date", r"\bthe[ ](?P<x>\d{1,2}(?:st|nd|rd|th))\b(?![ ](?:percentile|rib|cranial|nerve|toe|finger|digit|metatarsal|week|day|time|attempt|dose|cycle|century|ventricle|intercostal|lumbar|thoracic|cervical|vertebra|metacarpal|edition|floor|grade))"),
    rule(
        "date",
        r"""\b(?:on|since|from|until|till|by|dated?|seen|to|through|and|before|after|admitted|discharged|d/c'?d?|visit|appt|appointment|labs?|done|taken
        |started|stopped|between|of|as[ ]of|last|next|scheduled|exam|scan|ct|mri|cxr|xray|x-ray|surgery|repeat|again|f/u|follow-?up|due|started|returned|here|at|for)
        [ ]?[:(]?[ ]?(?P<x>(?:0?[1-9]|1[0-2])[/-](?:0?[1-9]|[12]\d|3[01]))(?![\d/%-]|\.\d)(?![ ]?(?:mg|strength|tab|tablet|pain|lung|murmur|systolic|motor|power|of|cups?|tsp|oz|pills?|lobes?|doses?))""",
        _I,
    ),
    rule("date", r"(?:^|[\n;(])[ \t]*(?P<x>(?:0?[1-9]|1[0-2])/(?:0?[1-9]|[12]\d|3[01]))(?=[ ]?[:)-])", re.MULTILINE),
    rule("age", r"(?<![\d./-])(?P<x>9\d|1[0-2]\d)(?=[ -]?(?:years?|yrs?|y\.?[ /]?o\.?|y/o|yo|yof|yom|year-old|years-old)\b)", _I),
    rule("age", r"(?<![\d./-])(?P<x>9\d|1[0-2]\d)(?=[ -]?(?:F|M|female|male|woman|man|lady|gentleman)\b)"),
    rule("age", r"\b(?:aged?|age[ ]of|age[ ]is)[ ]?[:=]?[ ]?(?P<x>9\d|1[0-2]\d)(?!\d|\.\d)", _I),
    rule("age", r"\b(?:turn|turned|turning|turns|is[ ]now|reached)[ ](?P<x>9\d|1[0-2]\d)(?=[ ]?(?:$|[.,;]|last|this|in[ ]|on[ ]|yesterday|today))", _I),
    rule("age", r"\b(?P<x>ninety(?:[- ](?:one|two|three|four|five|six|seven|eight|nine))?|(?:one|a)[ -]hundred(?:[ -]and)?(?:[ -](?:one|two|three|four|five|six|seven|eight|nine|ten))?)(?=[ -]years?\b)", _I),
    rule("age", r"\b(?:in[ ](?:his|her|their)[ ])(?P<x>(?:early[ ]|mid[ -]?|late[ ])?(?:nineties|90'?s))\b", _I),
    rule("age", r"\b(?:nonagenarian|centenarian|supercentenarian)\b", _I),
)  # fmt: skip

_CHINESE_DIGIT = "[〇零一二三四五六七八九十]"
_CN_YEAR = r"(?P<y>(?:18|19|20)\d{2})[ ]?年"
_CN_ANY_YEAR = rf"(?:(?<!\d)\d{{2}}[ ]?年|{_CHINESE_DIGIT}{{2,4}}年)"
_CN_MONTH = rf"(?:(?:0?[1-9]|1[0-2])|{_CHINESE_DIGIT}{{1,3}}|元|正|腊|闰{_CHINESE_DIGIT})[ ]?月"
_CN_DAY = rf"(?:[ ]?(?:[0-2]?\d|3[01]|初{_CHINESE_DIGIT}|廿{_CHINESE_DIGIT}?|{_CHINESE_DIGIT}{{1,3}})[ ]?[日号]?|[ ]?(?:上|中|下)旬|[ ]?(?:月)?[初中底末])"

CHINESE: tuple[Rule, ...] = (
    rule(
        "date",
        r"(?:出生(?:日期|年月日?|于|时间)?|生日|生于|诞生于)[ ]?[:：为是]?[ ]?(?P<x>\d{4}[-/.年][\d月日号./ -]{0,8}|\d{8}|"
        rf"{_CHINESE_DIGIT}{{4}}年(?:{_CHINESE_DIGIT}{{1,3}}月)?(?:{_CHINESE_DIGIT}{{1,3}}[日号])?|\d{{1,2}}月\d{{1,2}}[日号]?)",
    ),
    rule("date", rf"(?<!\d){_CN_YEAR}[ ]?{_CN_MONTH}{_CN_DAY}?"),
    rule("date", rf"{_CN_ANY_YEAR}[ ]?{_CN_MONTH}{_CN_DAY}?"),
    rule("date", rf"(?<![\d个]){_CN_MONTH}[ ]?(?:[0-2]?\d|3[01]|{_CHINESE_DIGIT}{{1,3}}|初{_CHINESE_DIGIT}|廿{_CHINESE_DIGIT}?)[ ]?[日号](?!线)"),
    rule("date", rf"(?<![\d个个])(?:今年|去年|前年|明年|同年|次年|当年)[ ]?{_CN_MONTH}{_CN_DAY}?"),
    rule("date", rf"(?<![\d个两几半数]){_CN_MONTH}[ ]?(?:上旬|中旬|下旬|初|底|末|份)"),
    rule("date", r"(?:农历|阴历|阳历|公历)[ ]?(?P<x>[一-鿿\d]{2,8}?(?:[日号]|初[一二三四五六七八九十]|十[一二三四五六七八九]|廿[一二三四五六七八九]?|三十|二十))"),
    rule("date", r"(?<![\d一二三四五六七八九十])(?:本月|上月|下月|上个月|下个月|当月|次月)[ ]?(?:[0-2]?\d|3[01])[ ]?[日号]"),
    rule("date", r"(?:于|在|至|到|自|从|定于|约|，|。|；|\n|^)(?P<x>(?:[0-2]?\d|3[01])[日号])(?=凌晨|早|上午|中午|下午|晚|夜|入院|出院|来|在|行|复|就|术|起|突|开|出|予|，)"),
    rule("date", r"星期[一二三四五六日天]|周[一二三四五六日末](?![围身])|礼拜[一二三四五六日天]"),
    rule("date", r"春节|元旦(?:节)?|国庆(?:节|期间|假期)?|中秋(?:节)?|端午(?:节)?|清明(?:节)?|劳动节|五一(?:节|期间|假期)|元宵(?:节)?|重阳(?:节)?|除夕|大年(?:三十|初[一二三四五六七])|腊八|小年|圣诞(?:节)?|国庆长假|儿童节|教师节|七夕|中元节|冬至"),
    rule("date", r"(?<![\d./-])(?:0?[1-9]|1[0-2])[-/](?:0?[1-9]|[12]\d|3[01])(?=[ ]?(?:入院|出院|复查|手术|就诊|查|行|我院|外院|门诊|本院|当地|急诊|CT|MRI|胸片|B超|血常规))"),
    rule("date", r"(?P<y>(?:18|19|20)\d{2})年(?:春|夏|秋|冬)(?:季|天)?"),
    rule("date", rf"{_CHINESE_DIGIT}{{4}}年{_CN_MONTH}{_CN_DAY}?"),
    rule("age", r"(?<![\d.])(?P<x>9\d|1[0-2]\d)(?=[ ]?(?:周?岁|年岁|余岁|多岁|高龄))"),
    rule("age", r"(?:年龄|年纪|岁数|享年|现年|高龄|年)[ ]?(?:[:：为是]|已)?[ ]?(?P<x>9\d|1[0-2]\d)(?!\d|[.年%])"),
    rule("age", r"(?P<x>九十[一二三四五六七八九]?(?:余|多|来)?|一百(?:零|〇)?[一二三四五六七八九]?(?:余|多)?|百)(?=周?岁)"),
    rule("age", r"(?<=[，,、 ])(?P<x>9\d|1[0-2]\d)[YyＹ](?![A-Za-z])"),
)  # fmt: skip
