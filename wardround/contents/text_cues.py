"""Words of negation and doubt, English and Chinese, as patterns: kind -> cues, tried in this order, longest first.

``before``: the cue stands before the finding, ``after``: behind it, ``around``: either. ``pseudo`` looks like a cue and
is none; ``end`` ends the scope of one.
"""

_SEEN = r"(?:seen|present|identified|demonstrated|evident|visualized|appreciated|noted|found|detected)"
_CANNOT = r"(?:can ?not|can't|could not|not|does not|has not been)"

ENGLISH: dict[str, tuple[str, ...]] = {
    "pseudo": (
        r"no (?:significant |interval |definite |appreciable )?(?:change|increase|decrease|improvement)s?",
        r"not only",
        r"no further",
        r"without (?:difficulty|incident|complication|interval change)",
        r"not necessarily",
        r"no longer than",
        r"gram[- ]negative",
        r"no known",
        r"not certain (?:whether|if)",
    ),
    "possible_around": (
        rf"{_CANNOT} (?:be )?(?:entirely |completely )?(?:exclude|rule out|ruled out|excluded)s?",
        r"(?:is|are|was|were|remains?) (?:possible|suspected|likely|questionable|not (?:excluded|ruled out))",
    ),
    "possible_before": (
        r"possib(?:le|ly|ility of)",
        r"probabl[ey]",
        r"suspected",
        r"suspicious for",
        r"suspicion (?:of|for)",
        r"questionable",
        r"(?:most )?likely",
        r"(?:may|might|could) (?:be|represent|reflect|indicate|have)",
        r"concern(?:ing)? for",
        r"worrisome for",
        r"suggest(?:s|ive of|ing|ed)?",
        r"rule out",
        r"r/o",
        r"evaluate for",
        r"consider(?:ation of)?",
        r"versus",
        r"differential (?:includes|diagnosis(?: includes)?)",
        r"presumed",
    ),
    "absent_after": (
        (
            r"(?:is|are|was|were|has been|have been) "
            rf"(?:absent|negative(?! for)|ruled out|excluded|denied|unlikely|not {_SEEN})"
        ),
        r"(?:has|have) resolved",
        rf"not {_SEEN}",
        r"(?:is |are )?unlikely",
        r"negative(?! for)",
        r"(?<=: )(?:no|none)",
    ),
    "absent_before": (
        (
            r"no (?:"
            "(?:radiographic |definite |clear )?evidence|signs?|suggestion|indication|history|complaints?) (?:of|for)"
        ),
        r"without(?: any)?(?: evidence of| signs? of)?",
        r"den(?:ies|ied|y|ying)",
        r"negative for",
        r"free of",
        r"absence of",
        r"never (?:had|developed)",
        r"neither",
        r"nor",
        r"(?:is |was )?ruled out for",
        r"fail(?:s|ed) to (?:show|reveal)",
        r"lack(?:s|ed|ing)?(?: of)?",
        r"clear(?:ed)? of",
        r"resolved",
        r"not",
        r"no",
        r"absent",
    ),
    "end": (
        r"but",
        r"however",
        r"(?:al)?though",
        r"except(?: for)?",
        r"yet",
        r"which",
        r"(?:aside|apart) from",
        r"other than",
        r"secondary to",
        r"due to",
        r"because of",
        r"present(?:s|ed|ing) with",
        r"complain(?:s|ed|ing) of",
        r"report(?:s|ed)",
        r"endorses?",
        r"admits? to",
        r"positive for",
        r"has had",
        r"now has",
        r"shows?",
        r"reveal(?:s|ed)?",
        r"demonstrate[sd]?",
        r"there (?:is|are|was|were)",
        r"with (?=a |an |some |mild |moderate |severe |new )",
        r"(?<=, )(?:the|with|he|she|patient|heart|lungs?)",
        r"(?<=[;:]) ?[a-z]",
    ),
}

_CLAUSE_END = r"(?=[，,。；;、\s]|$)"

CHINESE: dict[str, tuple[str, ...]] = {
    "pseudo": (
        "[无未](?:见|有)?(?:明显|显著)?(?:诱因|原因|变化|改变|好转|缓解|改善|加重|减轻)",
        "不(?:能|可)?(?:适|全|良|规则|稳定|足|等|均匀|慎|详|整|同程度|自主|明原因)",
        "未(?:婚|成熟|分化|特殊|育)",
        "无(?:力|菌|名|意识|创|痛性|症状性|特殊)",
        "非(?:小细胞|霍奇金|特异性|典型|甾体)",
        "较前无",
    ),
    "possible_around": (
        "(?:不|未|不能|尚不能|难以)(?:完全)?(?:除外|排除)",
        "待(?:排除?|除外|查|定)",
        "可能(?:性大|性)?(?:是|为)?",
    ),
    "possible_after": ("[?？]",),
    "possible_before": ("考虑(?:为)?", "(?:怀|拟|可)?疑(?:似|诊|为)?", "倾向(?:于)?", "拟诊", "警惕"),
    "absent_after": (
        "[（(][-－—][)）]",
        "(?:均|皆)?(?:为|呈)?阴性",
        f"(?:均)?未(?:见|发现|触及|扪及|闻及|引出|及){_CLAUSE_END}",
        "已(?:排除|除外)",
        f"(?:均)?(?:无|否认){_CLAUSE_END}",
        f"消失{_CLAUSE_END}",
    ),
    "absent_before": (
        "否认(?:有)?",
        "未(?:再|曾|能)?(?:见|及|闻|触|扪|诉|发现|出现|探及|查见|患|提示|合并|累及|发生)(?:及|到)?(?:明显|明确|确切)?",
        "没有(?:明显)?",
        "(?:并)?无(?:明显|明确|确切|任何)?",
        "不(?:伴有?|含|存在|支持|考虑|符合)",
        "(?:已)?排除(?:了)?",
        "除外",
        "缺乏",
    ),
    "end": (
        "但(?:是)?",
        "然而",
        "不过",
        "伴(?:有)?",
        "出现",
        "仍(?:有)?",
        "并(?:有|见)",
        "现有",
        "表现为",
        "可见",
        "提示",
        "[；;]",
        "(?<=[，,])(?:有|见|考虑|予|行|于|后|现|曾|因|患者|其|双|左|右|为|诊断|较|近|呈|局部|逐渐)",
    ),
}

LIST_OPENERS = frozenset({"否认", "否认有"})
"""Cues that govern a list beyond its commas: 否认高血压，糖尿病，冠心病史."""
