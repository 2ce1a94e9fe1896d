"""Names, places, dates and ages in Chinese notes."""

import re
from collections.abc import Iterator
from itertools import chain

from wardround.contents.text_lists import listed
from wardround.privacy.notes import dates
from wardround.privacy.notes.chinese_words import (
    BEFORE,
    CITIES,
    COMPOUND,
    LABELS,
    NO_NAME,
    PLACE_BEFORE,
    RELATIVES,
    SURNAMES,
    TITLES,
    VERBS,
)
from wardround.privacy.notes.rules import Finding, Rule, rule

_HAN = "[㐀-䶿一-鿿]"
_STOP = '，。；;、,（）()\n\t:：“”"'
_FIRST = f"(?=[{SURNAMES}{COMPOUND.replace(chr(124), '')}])"  # most places of a text are none at one glance
_NAMED = rf"{_FIRST}(?:(?:{COMPOUND})(?!性){_HAN}{{1,2}}|(?!{NO_NAME})[{SURNAMES}]{_HAN}{{1,2}}?)"
_LONG = rf"{_FIRST}(?:(?:{COMPOUND}){_HAN}{{1,2}}|(?!{NO_NAME})[{SURNAMES}]{_HAN}{{1,2}})"
_MASKED = rf"(?!于)[{SURNAMES}](?:某某?|[Xx×ＸＯ○*＊]{{1,2}})"

NAMES: tuple[Rule, ...] = (
    rule("name", rf"(?:{LABELS})(?:（签[名字]）|\(签[名字]\))?[ ]?[:：][ ]{{0,6}}(?P<x>{_HAN}(?:[ ]?[{_HAN[1:-1]}·•．]){{1,11}}?)(?=[{_STOP}/ ]|$|男|女|性别|年龄|电话|手机|医师|医生|主任|护士|科|职|\d|[A-Za-z])"),
    rule("name", rf"{_HAN}{{1,8}}(?:[·•．]{_HAN}{{1,8}}){{1,3}}"),
    rule("name", rf"(?:{RELATIVES})(?:名叫|叫做|姓名为|姓名|叫|是|为|系)?[ ]?[:：（(“]?[ ]?(?P<x>{_NAMED})(?={VERBS}|{TITLES}|[{_STOP}]|\d|$)"),
    rule("name", rf"(?P<x>{_NAMED})(?={TITLES})"),
    rule("name", rf"(?:(?<=医生)|(?<=主任)|(?<=大夫)|(?<=护士)|(?<=医师)|(?<=教授)|(?<=护士长)|(?<=律师)|(?<=院长)|(?<=警官))(?P<x>{_LONG})(?={VERBS}|[{_STOP}]|$)"),
    rule("name", rf"(?:^|[。；;\n，,、（(\s：:])[ ]?(?P<x>{_NAMED})[ ]?(?=[，,、 （(/]{{0,3}}(?:男|女)(?:性|[，,、 ）)\d]))"),
    rule("name", rf"(?:{BEFORE})(?P<x>{_NAMED})(?={VERBS}|{TITLES}|[{_STOP}]|$)"),
    rule("name", rf"(?P<x>{_NAMED})(?=签字|签名|签署|代签|代诉|陪同|陪护|送入|送至|来电|电话告知|执笔|主刀|查房)"),
    rule("name", rf"(?<!主)(?<!专)(?P<x>(?![管高单])[{SURNAMES}])(?=(?:副?主任|主治|主管)?(?:医师|医生|主任|教授|护士|大夫|院长|老师|先生|女士))"),
    rule("name", rf"(?:[，,]名|名叫|名为)(?:叫|为)?(?P<x>{_HAN}{{2,6}})(?=[{_STOP}]|$)"),
    rule("name", _MASKED),
    rule("name", rf"(?:老|小|阿)(?P<x>(?!时)[{SURNAMES}])(?=[，,。；、（(]|说|诉|先生|师傅|同志)"),
    rule("name", r"(?:姓名|患者|病人|联系人|家属|签名|名叫|英文名|护照姓名|Name)[ ]?[:：]?[ ]?(?P<x>[A-Z][A-Za-z'’-]{1,20}(?:[ ,.]{1,2}[A-Z][A-Za-z'’-]{0,20}){0,3})"),
    rule("name", r"\b(?:Mr|Mrs|Ms|Dr|Prof)\b\.?[ ]?(?P<x>[A-Z][A-Za-z'’-]{1,20}(?:[ ][A-Z][A-Za-z'’-]{1,20}){0,2})"),
    rule("name", r"(?P<x>[A-Z][A-Za-z'’-]{1,20}(?:[ ][A-Z][A-Za-z'’-]{1,20}){0,2})(?=[ ]?(?:先生|女士|医生|小姐|教授|夫妇))"),
)  # fmt: skip

_ROAD = rf"{_HAN}{{1,8}}?(?:路|街|大道|大街|道|巷|弄|胡同|里)(?:[东南西北中]段)?"
PLACES: tuple[Rule, ...] = (
    rule("place", r"(?:家庭住址|家庭地址|现住址|住址|住所|地址|户籍地址|户籍所在地|户籍地|户口地址|户口所在地|通讯地址|联系地址|通信地址|邮寄地址|籍贯|出生地|居住地|现居地|工作单位|就读学校|学校|就职于|就读于|任职于|供职于|服务单位|工作地点|发病地点|事发地点|暴露地点)[ ]?[:：]?[ ]?(?P<x>(?![：:])[^，。；;,\n\t（(]{2,60})"),
    rule("place", r"(?:户籍|户口|原籍|祖籍|单位)[ ]?[:：][ ]?(?P<x>[^，。；;,\n\t（(]{2,60})"),
    rule("place", r"(?:家住|住在|居住于|居住在|现居住于|现居于|现居|现住|租住于|租住在|暂住|寄居于|户籍在|搬至|搬到|迁至|迁往|定居于|定居|常住)(?P<x>[^，。；;,\n\t（(]{2,40})"),
    rule("place", rf"{_ROAD}[ ]?(?:\d{{1,5}}|[一二三四五六七八九十百]{{1,5}})(?:[-－之]\d{{1,4}})?(?:弄|号|巷|街坊|段)[^，。；;,\n\t（(]{{0,24}}"),
    rule("place", rf"{_HAN}{{2,8}}(?:小区|花园|家园|新村|公寓|社区|大厦|广场|嘉园|苑|家属院|宿舍|佳苑)[ ]?(?:\d{{1,4}}|[一二三四五六七八九十A-Za-z]{{1,3}})(?:号楼|栋|幢|期|座|楼|区|号|单元|室|-)[^，。；;,\n\t（(]{{0,20}}"),
    rule("place", r"\d{1,4}(?:号楼|栋|幢)[ ]?(?:\d{1,3}单元)?[ ]?(?:\d{1,5}(?:室|号|房))?"),
    rule("place", r"(?:邮编|邮政编码)[ ]?[:：]?[ ]?(?P<x>\d{6})(?!\d)"),
    rule("place", rf"(?:{PLACE_BEFORE})(?P<x>{_HAN}{{2,9}}?(?:村|镇|乡|屯|庄|寨|苗圃|农场|林场|牧场|街道|开发区|新区|工业园|矿区|旗|县|市|州|(?<![肝前脾肾肺色病院股骶膝腰颌眼耳枕顶额颞背胸腹盆尾一二三四五六])区))(?!医|病|域|别)"),
    rule("place", rf"{_HAN}{{2,4}}(?:县|镇|乡)(?:{_HAN}{{1,5}}(?:村|屯|庄))(?:[一二三四五六七八九十\d]{{1,3}}(?:组|队|社|号))?"),
    rule("place", rf"(?:来自|籍贯|原籍)(?P<x>{_HAN}{{2,10}})(?=[{_STOP}]|$)"),
    rule("place", rf"(?:{PLACE_BEFORE})(?P<x>{CITIES})"),
    rule("place", rf"(?P<x>{CITIES})(?=市|人|籍|站|机场|户籍|打工|务工|出差|旅游|居住|返|回来|转来|就医|就诊)市?"),
)  # fmt: skip
_INSTITUTION = re.compile(
    r"医院|卫生院|卫生所|卫生室|诊所|卫生服务中心|卫生服务站|妇幼保健院|疗养院|医学院|养老院|敬老院|福利院|护理院|大学|中学|小学|幼儿园|学校|公司|集团|工厂|机械厂|纺织厂|化工厂|钢铁厂|厂(?=工作|上班|务工|打工|退休)|监狱|看守所|派出所|体检中心|医疗中心|医学中心|血站|疾控中心|研究所|检验所|银行(?!卡|账|帐)|酒店|超市|商场|饭店|火车站|机场|教堂|寺"
)
_BACK = re.compile(r"[㐀-䶿一-鿿A-Za-z0-9（()）·]{1,24}\Z")
_TRIM = re.compile(
    r"(?:在|到|至|去|往|赴|由|从|经|入|送|转|来|回|自|于|前往|就职于|毕业于|是|为|曾|后|并|即|遂|就诊|就读|任职|日|时|天|月|年|前|患者|诊断|复查|系|请|与|和|及|或|我们|联系|某某?|家属|电话|号|的|了|一家|一所|多家|间断|先后|分别|期间|急诊|门诊|今日|昨日)(?=[^在到至去往赴由从经]{0,24}\Z)"
)
_GENERIC = re.compile(
    r"(?:我|本|该|外|某|当地|上级|下级|其他|其它|附近|县级|市级|省级|三甲|三级|二级|一级|基层|综合|专科|私立|公立|个体|多家|各大?|他|原|上述|另一?|同|乡镇?|村|社区|区|市|县|省|镇|州|旗|街道|当地县|当地市|外地|外|家庭|民营|个人|一家|某家|大型|地方|教学|附属|肿瘤|中医|人民|中心|妇产|儿童|口腔|眼科|精神|传染病|职工|医学|急诊|中西医结合|骨科|胸科|心血管病|结核病|第[一二三四五六七八九十]|[一二三四五六七八九十]|两|几|\s)*\Z"
)


def chinese(text: str) -> Iterator[Finding]:
    """Yield names, places, dates and ages of a Chinese note; findings may overlap."""
    for each in chain(dates.SHARED, dates.CHINESE, PLACES):
        yield from each.found(text)
    yield from _divisions(text)
    yield from _institutions(text)
    names = [finding for each in NAMES for finding in each.found(text)]
    yield from names
    yield from _again(text, names)


def _divisions(text: str) -> Iterator[Finding]:
    """Yield the administrative divisions of China below a province that are in the list."""
    places = listed("places_cn")
    for match in re.finditer("[市区县旗州盟]", text):
        end = match.end()
        for length in range(11, 2, -1):
            if end >= length and text[end - length : end] in places:
                yield Finding(end - length, end, "place")
                break


def _institutions(text: str) -> Iterator[Finding]:
    """Yield hospitals, schools and employers that have a name of their own; 我院 and 当地医院 have none."""
    for match in _INSTITUTION.finditer(text):
        low = max(0, match.start() - 24)
        before = _BACK.search(text[low : match.start()])
        if before is None:
            continue
        start = low + before.start()
        own = before.group()
        while (trim := _TRIM.search(own)) and trim.end() < len(own):
            start += trim.end()
            own = own[trim.end() :]
        if own and not _GENERIC.fullmatch(own):
            yield Finding(start, match.end(), "place")


def _again(text: str, names: list[Finding]) -> Iterator[Finding]:
    """Yield further places of the names that were found."""
    known = {text[name.start : name.end] for name in names}
    for name in sorted(known):
        if 2 <= len(name) <= 20 and re.fullmatch(rf"{_HAN}+|{_HAN}+[·•．].*", name):
            for match in re.finditer(re.escape(name), text):
                yield Finding(match.start(), match.end(), "name")
