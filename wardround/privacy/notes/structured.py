"""Identifiers that have a form or a label of their own, in English and Chinese notes alike: the rules, in data.

Where a label says what a number is, no form is asked for; where the form says it, no label is. A number too long to be
a measurement is taken out whatever it is.
"""

import re

from wardround.privacy.notes.rules import Rule, rule

_I = re.IGNORECASE
_LEFT = r"(?<![A-Za-z0-9])"
_DIGITS_LEFT = r"(?<![0-9])(?<![0-9][.-])"
_DIGITS_RIGHT = r"(?![0-9])(?!-[0-9])"
_ID = (
    r"(?P<x>(?=[^\s0-9]{0,8}[0-9]|[A-Za-z]{1,3}[-/][A-Za-z0-9-]{0,8}[0-9])[A-Za-z0-9][A-Za-z0-9./_-]{1,40}[A-Za-z0-9])"
)
_NUMBER = r"(?:\s?(?:numbers?|num|nos?|nr|ids?|code|[#№])\b\.?)*"
_IS = r"(?:[ ]?\((?:[A-Za-z]{1,10}|[一-鿿]{1,6})\))?[ \t]{0,3}(?:[:：=#]|is\b|was\b|of\b|ending[ ]in|为|是|号)?[ \t]{0,3}[#:：]?[ \t]{0,3}"
_PHONE = r"""(?:\+?\d{1,3}[ .-]?)?(?:\(\d{2,5}\)|\d{2,5})[ .)-]{0,2}\d{3,4}[ .-]?\d{3,4}(?:[ .-]?\d{2,4})?
    (?:[ ,]{0,2}(?:ext|extension|x|转|分机)\.?[ ]?\d{1,6})?"""


def _labelled(category: str, labels: str, value: str = _ID, *, boundary: bool = True) -> Rule:
    left, right = (_LEFT, "(?![A-Za-z])") if boundary else ("", "")
    first = "(?=[A-Za-z])" if boundary else "(?=[一-鿿A-Za-z])"  # most places of a text are none at one glance
    return rule(category, rf"{first}{left}(?:{labels}){right}{_NUMBER}{_IS}{value}", _I)


RULES: tuple[Rule, ...] = (
    rule("email", r"(?<![A-Za-z0-9._%+-])[A-Za-z0-9._%+-]{1,64}\s?(?:@|＠|\[at\]|\(at\))\s?[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,5}"),
    rule("url", r"(?:https?|ftp|sftp)://[^\s，。；、）)\]<>\"]{1,2000}|www\.[^\s，。；、）)\]<>\"]{1,2000}", _I),
    rule(
        "url",
        rf"""{_LEFT}(?:[a-z0-9-]{{1,63}}\.){{1,4}}(?:com|org|net|edu|gov|info|health|clinic|hospital|io|cn|uk|de|us)
        (?![a-z0-9])(?:/[^\s，。；、）)]{{0,500}})?""",
        _I,
    ),
    rule("ip", r"(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?![\d.]\d)(?!\d)(?::\d{2,5})?"),
    rule("ip", r"(?<![\w:])(?:[0-9a-f]{1,4}:){7}(?:[0-9a-f]{1,4}|:)(?![\w:])", _I),
    rule("ip", r"(?<![\w:])(?:[0-9a-f]{1,4}:){1,6}:(?:[0-9a-f]{1,4}(?::[0-9a-f]{1,4}){0,5})?(?![\w:])", _I),
    rule("identity", rf"{_DIGITS_LEFT}\d{{3}}[- ]\d{{2}}[- ]\d{{4}}{_DIGITS_RIGHT}"),
    _labelled("identity", r"SSN|SS|social[ ]security(?:[ ]card)?|soc[ ]sec|taxpayer|ITIN", r"(?P<x>[\dXx*][\dXx* -]{2,14}\d)"),
    rule("identity", r"(?<!\d)[1-9]\d{5}(?:18|19|20)\d{2}(?:0\d|1[0-2])(?:[0-2]\d|3[01])\d{3}[\dXxＸ](?![0-9A-Za-z])"),
    rule("identity", r"(?<!\d)[1-9]\d{5}[ -](?:18|19|20)\d{2}(?:0\d|1[0-2])(?:[0-2]\d|3[01])[ -]\d{3}[\dXx](?!\d)"),
    _labelled("identity", r"身份证(?:件)?(?:号码|号)?|公民身份号码|证件(?:号码|号)|ID[ ]?card", r"(?P<x>\d[\dXx -]{5,22}[\dXxＸ])", boundary=False),
    rule("fax", rf"(?:\bfax|\bfacsimile|\btelefax|传真(?:号码|号|机)?)(?:ed)?(?:[ ](?:the[ ])?(?:reports?|results?|records?|orders?|it|this|them|copy|copies))?(?:[ ](?:to|at|is))?{_NUMBER}{_IS}(?P<x>{_PHONE}|\d{{7,12}})", _I),
    rule("phone", r"(?<![\d+.-])(?<![A-Za-z])\+?(?:1[ .-]?)?(?:\(\d{3}\)[ ]?|\d{3}[ .-])\d{3}[ .-]\d{4}(?!\d)(?:[ ,]{0,2}(?:ext|extension|x)\.?[ ]?\d{1,6})?", _I),
    rule("phone", rf"{_DIGITS_LEFT}\d{{3}}[-.]\d{{4}}{_DIGITS_RIGHT}(?:[ ,]{{0,2}}(?:ext|extension|x)\.?[ ]?\d{{1,6}})?", _I),
    rule("phone", r"(?<![\w+])\+\d{1,3}[ .-]?(?:\(0?\d{1,4}\)[ .-]?)?\d{1,4}(?:[ .-]?\d{2,4}){1,4}(?!\d)"),
    rule(
        "phone",
        rf"""(?:\b(?:tel|telephone|phone|ph|cell|cellphone|mobile|mob|home|work|pager|beeper|contact|call(?:ed|ing)?|reached[ ]at|voicemail
        |whatsapp|extension|ext|page)\.?|电话|手机|联系方式|联系号码|座机|分机|小灵通)(?:号码|号)?{_NUMBER}(?:[ ](?:at|on|to|me[ ]at))?{_IS}
        (?P<x>{_PHONE}|\(?\d{{2,5}}\)?[ .-]?\d{{3,8}}|(?<=[#:： ])\d{{4,8}})(?!\d)""",
        _I,
    ),
    rule("phone", r"(?<![A-Za-z0-9])x[ ]?\d{3,6}(?!\d)", _I),
    rule("phone", r"(?<![\dA-Za-z])(?:(?:\+|00)?86[ -]?)?1[3-9]\d[ -]?\d{4}[ -]?\d{4}(?!\d)"),
    rule("phone", r"(?<![\d-])(?:\(?0\d{2,3}\)?[ -]?)[2-9]\d{2,3}[ -]?\d{4}(?!\d)(?:[ -]?(?:转|分机)?[ ]?\d{1,5})?"),
    rule("phone", r"(?<!\d)[48]00[ -]\d{3,4}[ -]\d{3,4}(?!\d)"),
    _labelled("record", r"MRN|MR|medical[ ]rec(?:ord)?s?|med[ ]rec|health[ ]record|chart|patient[ ](?:id|identifier|no|number|\#)|pt[ ]id|hosp(?:ital)?[ ](?:id|no|number)|unit[ ]no|NHS|CHI|HRN|EMPI|EMR[ ]id|PID"),
    _labelled("record", r"NHS|medical[ ]record|MRN", r"(?P<x>\d{2,4}(?:[ -]\d{2,4}){1,3})"),
    _labelled("record", r"病案号?|病历号?|住院号?|门诊号?|就诊(?:卡)?号?|登记号?|患者(?:编号|ID|标识)|病人(?:编号|ID)|健康档案(?:编)?号?|档案号?|床头卡号|诊疗卡号?|急诊号?|体检号?|透析号?", boundary=False),
    _labelled("plan", r"member|policy|subscriber|beneficiary|medicare|medicaid|MBI|HICN|insurance|health[ ]plan|group|payer|plan|Rx[ ]?(?:BIN|GRP|PCN)"),
    rule("plan", rf"{_LEFT}[1-9][AC-HJKMNP-RT-Y][AC-HJKMNP-RT-Y0-9]\d-?[AC-HJKMNP-RT-Y][AC-HJKMNP-RT-Y0-9]\d-?[AC-HJKMNP-RT-Y]{{2}}\d{{2}}(?![A-Za-z0-9])"),
    _labelled("plan", r"医保(?:卡|编|账|电脑)?(?:号码|号)?|社保(?:卡)?(?:号码|号)?|社会保障(?:卡)?(?:号码|号)?|参保(?:号|编号|证号)|保险(?:单)?(?:号码|号)?|保单(?:号码|号)?|新农合(?:证)?(?:编)?号?|医疗证号", boundary=False),
    _labelled("account", r"acc(?:oun)?t|bank|billing|invoice|IBAN|routing|guarantor|credit[ ]card|debit[ ]card|card|visa|mastercard|payment|encounter|visit|FIN|CSN", rf"(?:{_ID}|(?P<x2>\d{{4}}(?:[ -]\d{{4}}){{1,3}}))".replace("(?P<x2>", "(?:")),
    rule("account", r"(?<!\d)(?<!\d[.-])(?:\d{4}[ -]){3}\d{1,7}(?!\d)"),
    rule("account", rf"{_LEFT}[A-Z]{{2}}\d{{2}}[ ]?(?:[A-Z0-9]{{4}}[ ]?){{2,7}}[A-Z0-9]{{1,4}}(?![A-Za-z0-9])"),
    _labelled("account", r"银行(?:卡|账户|账号|帐号)(?:号码|号)?|账户(?:号码|号)?|账号|帐号|卡号|缴费单号|发票(?:号码|号)|流水号|支付宝(?:账号|号)?|预交金(?:收据)?号", r"(?P<x>[A-Za-z0-9][A-Za-z0-9 -]{3,30}[A-Za-z0-9])", boundary=False),
    _labelled("licence", r"licen[sc]e|lic|certificate|cert|passport|permit|DEA|NPI|registration|reg|DL|GMC|NMC|green[ ]card|visa[ ]no|driver'?s"),
    _labelled("licence", r"(?:执业|资格|驾驶|驾照|军官|士兵|护士|医师|残疾|结婚|出生|出生医学|营业|学生|工作|毕业|老年|退役|退伍|离休)(?:医师|护士|人)?(?:执照|证明|证书|证|执业)(?:书)?(?:编)?(?:号码|号)?|护照(?:号码|号)?|通行证(?:号码|号)?|许可证(?:号码|号)?|驾照(?:号码|号)?|台胞证(?:号)?|居留证(?:号)?", boundary=False),
    rule("vehicle", rf"{_LEFT}(?=[A-HJ-NPR-Z]{{0,16}}\d)[A-HJ-NPR-Z0-9]{{17}}(?![A-Za-z0-9])"),
    _labelled("vehicle", r"VIN|vehicle(?:[ ]id(?:entification)?)?|(?:license|licence|number|registration)[ -]?plate|plate|tag", r"(?P<x>(?=[A-Za-z0-9 -]{0,8}\d)[A-Za-z0-9][A-Za-z0-9-]{2,18}(?:[ ][A-Z0-9]{2,4})?)"),
    _labelled("vehicle", r"车架号?|发动机号?|车牌号?(?:码)?|车辆识别(?:代)?(?:号|码)", r"(?P<x>[A-Za-z0-9一-鿿](?=[A-Za-z -]{0,8}\d|\d)[A-Za-z0-9·• -]{2,18}[A-Za-z0-9])", boundary=False),
    rule("vehicle", r"[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼使领][A-Z][ ·•.-]?[A-Z0-9]{4,6}[学警挂港澳]?(?![A-Za-z0-9])", _I),
    _labelled("device", r"serial|S/N|SN|device|UDI|model|lot|IMEI|MAC(?:[ ]address)?|pacemaker|implant|prosthesis|generator|pump|stent|ICD[ ]serial|lead|asset"),
    rule("device", r"\(01\)\d{14}(?:\(\d{2}\)[A-Za-z0-9/.-]{1,20}){0,5}"),
    rule("device", r"(?<![\w:-])[0-9A-F]{2}(?:[:-][0-9A-F]{2}){5}(?![\w:-])", _I),
    _labelled("device", r"序列号|出厂(?:编)?号|设备(?:编)?号?|器械(?:编)?号?|仪器(?:编)?号|植入物?(?:编)?号?|起搏器(?:编号|型号|序列号)?|支架(?:编号|序列号)|假体(?:编号|序列号)|泵(?:编号|序列号)|产品(?:编)?号|批号|条形码|唯一标识", boundary=False),
    _labelled("biometric", r"finger[ -]?print|retina(?:l)?(?:[ ]scan)?|iris(?:[ ]scan)?|voice[ -]?print|palm[ -]?print|face[ -]?(?:print|scan|id|template)|biometric|DNA[ ](?:profile|sample)|genetic[ ]profile"),
    _labelled("biometric", r"(?:指纹|掌纹|虹膜|视网膜|声纹|人脸|面部|面容|生物特征|(?:DNA|基因)(?=样本|档案|编|信息|登记))(?:识别|扫描|采集|模板|档案|信息|样本|登记)?(?:编)?(?:号码|号|码|ID)?", boundary=False),
    rule("photo", r"(?<![A-Za-z0-9_.一-鿿-])(?P<x>[A-Za-z0-9_.一-鿿-]{1,80}\.(?:jpe?g|png|tiff?|bmp|gif|heic|raw|mp4|mov|avi|webp))(?![A-Za-z0-9])", _I),
    _labelled("photo", r"photo(?:graph)?s?|facial[ ]image|portrait|picture|image[ ]file|video|照片|相片|面部照|录像|影像文件", boundary=False),
    _labelled("other", r"case|specimen|accession|study|subject|participant|trial|randomi[sz]ation|claim|barcode|bar[ ]code|order|requisition|req|employee|staff|badge|user(?:[ ]?name)?|login|student|military|service|DOD|VA|prison(?:er)?|inmate|docket|police|report|protocol|sample|slide|path(?:ology)?|block|tissue|donor|wristband|band|locker|reference|ref|ID|prescription|Rx|confirmation|ticket|authori[sz]ation|auth|referral|tracking"),
    _labelled("other", r"(?:user[ ]?name|login|handle|skype|wechat|twitter|instagram|facebook|微信|QQ|qq|钉钉|微博|用户名|昵称|抖音)(?:号码|号|账号)?", r"(?P<x>@?[A-Za-z0-9][A-Za-z0-9_.-]{3,40})", boundary=False),
    _labelled("other", r"(?:标本|样本|检查|检验|检测|病理|影像|放射|超声|B超|CT|MRI|MR|CR|DR|X线|X光|内镜|胃镜|肠镜|心电图|申请单?|报告单?|条码|条形码|试验|受试者|入组|随机|工|学|军人|职工|员工|编|处方|医嘱|手术|血袋|献血|供者|腕带|预约|挂号|转诊|案件|警|合同|订单|切片|蜡块)(?:编)?(?:号码|号|码|ID|序号)|编号|工号|学号|(?<![A-Za-z])ID号?", boundary=False),
    rule("other", r"(?<![\w#])\#[ ]?(?P<x>[A-Za-z]{0,3}\d[\d-]{3,18}\d)(?![A-Za-z0-9])"),
    rule("other", r"@[A-Za-z0-9_][A-Za-z0-9_.]{2,28}[A-Za-z0-9_](?![A-Za-z0-9@])"),
    rule("other", r"(?<![\w.,-])[A-Za-z]{1,4}[- ]?\d{6,}(?:[-/]\d{1,8}){0,3}(?![A-Za-z0-9])"),
    rule("other", r"(?<![\w.,])(?<!\d-)\d{7,40}(?![\w])"),
    rule("other", rf"{_LEFT}[A-Z]{{1,3}}\d{{2}}-\d{{3,8}}(?![A-Za-z0-9])"),
    rule("other", r"(?<![\w-])[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?![\w-])", _I),
)  # fmt: skip
"""Patterns of everything but names, places, dates and ages."""
