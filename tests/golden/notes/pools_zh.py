"""Sentences and identifiers of the synthetic Chinese notes."""

from pools_en import code, digits, pick, vin

SURNAME = {
    "developed": "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗",
    "held out": "汪田谭贺邱侯孟龙段雷黎史陶顾毛郝钱汤尹武",
}
GIVEN = {
    "developed": [
        "建国",
        "秀英",
        "桂兰",
        "志强",
        "丽",
        "伟",
        "芳",
        "娜",
        "敏",
        "静",
        "军",
        "洋",
        "勇",
        "艳",
        "杰",
        "涛",
        "明",
        "秀兰",
        "霞",
        "玉梅",
        "国庆",
        "文华",
    ],
    "held out": [
        "子涵",
        "梓萱",
        "德顺",
        "金凤",
        "浩然",
        "思远",
        "彩云",
        "永康",
        "雅琴",
        "泽宇",
        "俊",
        "蕾",
        "凯",
        "慧珍",
        "守义",
        "晓东",
        "婷婷",
        "春花",
        "庆祥",
        "若曦",
    ],
}
FOREIGN = {"developed": ["阿依古丽·买买提", "买买提·艾力"], "held out": ["古丽娜尔·吐尔逊", "扎西·多吉", "次仁·卓玛"]}
CITY = {
    "developed": ["杭州市", "南京市", "长沙市", "济南市", "郑州市"],
    "held out": ["绵阳市", "泉州市", "洛阳市", "赤峰市", "曲靖市"],
}
DISTRICT = {"developed": ["西湖区", "鼓楼区", "岳麓区", "历下区"], "held out": ["涪城区", "丰泽区", "涧西区", "麒麟区"]}
HOSPITAL = {
    "developed": ["杭州市第一人民医院", "浙江大学医学院附属第二医院", "湘雅医院", "济南市中心医院"],
    "held out": ["绵阳市中医医院", "泉州市丰泽区妇幼保健院", "华西医院", "赤峰学院附属医院"],
}
EMPLOYER = {
    "developed": ["杭州机床厂", "海天贸易有限公司", "长沙市第一中学"],
    "held out": ["顺达物流有限公司", "绵阳市实验小学", "东方红纺织厂"],
}


def name(rng, half):
    return rng.choice(SURNAME[half]) + rng.choice(GIVEN[half])


def date(rng, half):
    y, m, d = rng.randint(1998, 2024), rng.randint(1, 12), rng.randint(1, 28)
    forms = {
        "developed": [f"{y}年{m}月{d}日", f"{y}-{m:02}-{d:02}", f"{y}.{m:02}.{d:02}", f"{m}月{d}日", f"{y}年{m}月"],
        "held out": [
            f"{y}/{m}/{d}",
            f"{y}年{m}月{d}号",
            f"{y % 100:02}年{m}月{d}日",
            f"{y}{m:02}{d:02}",
            f"{y}年{m}月上旬",
            f"{m}月{d}号",
        ],
    }
    return rng.choice(forms.get(half) or forms["developed"] + forms["held out"])


def born(rng, half):
    y, m, d = rng.randint(1921, 1990), rng.randint(1, 12), rng.randint(1, 28)
    return rng.choice(
        {
            "developed": [f"{y}年{m}月{d}日", f"{y}-{m:02}-{d:02}"],
            "held out": [f"{y}.{m}.{d}", f"{y}{m:02}{d:02}"],
            "held out later": [f"{y}年{m}月", f"{y}/{m:02}/{d:02}"],
        }[half]
    )


def identity(rng, half):
    body = (
        rng.choice(["110105", "330106", "510703", "430104"])
        + f"{rng.randint(1925, 2004)}{rng.randint(1, 12):02}{rng.randint(1, 28):02}"
        + digits(rng, "ddd")
    )
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    check = "10X98765432"[sum(int(c) * w for c, w in zip(body, weights, strict=True)) % 11]
    return body + (check if half == "developed" else check.lower())


def address(rng, half):
    place = f"{rng.choice(CITY[half])}{rng.choice(DISTRICT[half])}"
    return (
        place
        + {
            "developed": f"文三路{rng.randint(1, 400)}号{rng.randint(1, 20)}栋{rng.randint(101, 2004)}室",
            "held out": rng.choice(
                [
                    f"建设街道幸福社区{rng.randint(1, 30)}号楼{rng.randint(1, 6)}单元",
                    f"柳树镇前进村{rng.randint(1, 9)}组{rng.randint(1, 99)}号",
                ]
            ),
            "held out later": f"解放东路{rng.randint(1, 99)}弄{rng.randint(1, 30)}号{rng.randint(101, 909)}",
        }[half]
    )


def plate(rng, half):
    place = rng.choice("浙苏湘鲁" if half == "developed" else "川闽豫蒙")
    return (
        f"{place}{rng.choice('ABCD')}{'' if half == 'developed' else '·'}{code(rng, 1, 4)}"
        if rng.random() < 0.6
        else f"{place}AD{digits(rng, 'ddddd')}"
    )


SLOTS = {
    "name": ("name", name), "surname": ("name", lambda rng, half: rng.choice(SURNAME[half])),
    "foreign": ("name", lambda rng, half: rng.choice(FOREIGN[half])), "day": ("date", date), "born": ("date", born),
    "weekday": ("date", lambda rng, half: rng.choice(["星期一", "周三", "星期日", "周五"])),
    "holiday": ("date", lambda rng, half: rng.choice(["春节", "国庆节", "中秋节", "元旦"])),
    "monthpart": ("date", lambda rng, half: f"{rng.randint(1, 12)}月{rng.choice(['上旬', '中旬', '下旬', '初', '底'])}"),
    "old": ("age", lambda rng, half: str(rng.randint(90, 105))), "address": ("place", address),
    "city": ("place", lambda rng, half: rng.choice(CITY[half])), "hospital": ("place", lambda rng, half: rng.choice(HOSPITAL[half])),
    "employer": ("place", lambda rng, half: rng.choice(EMPLOYER[half])), "zip": ("place", pick({"developed": ["Ddddd0"], "held out": ["Dddd00"]})),
    "mobile": ("phone", pick({"developed": ["138dddddddd", "159dddddddd"], "held out": ["188 dddd dddd", "+86 137dddddddd", "177-dddd-dddd"]})),
    "phone": ("phone", pick({"developed": ["0571-8ddddddd"], "held out": ["(0816)2dddddd", "0595 2ddddddd", "0379-6ddddddd转dddd"]})),
    "fax": ("fax", pick({"developed": ["0571-8ddddddd"], "held out": ["0816-2dddddd", "(0595)2ddddddd"]})),
    "email": ("email", lambda rng, half: f"{rng.choice(['wang', 'lihua', 'zhangw', 'tan_hao'])}{digits(rng, 'ddd')}@{rng.choice(['example.cn', 'mail.example.com'])}"),
    "identity": ("identity", identity), "record": ("record", pick({"developed": ["dddddddd", "ZYdddddddd"], "held out": ["Mdddddd", "20dd-ddddd", "0000dddddd"]})),
    "plan": ("plan", pick({"developed": ["dddddddddd"], "held out": ["YBdddddddd", "A0ddddddd"]})), "account": ("account", pick({"developed": ["6222dddddddddddddd0"], "held out": ["6217 dddd dddd dddd ddd", "ACdddddddd"]})),
    "licence": ("licence", pick({"developed": ["1103300000ddddd", "E0ddddddd"], "held out": ["2011510000ddddd", "Gdddddddd"]})),
    "plate": ("vehicle", plate), "vin": ("vehicle", vin), "serial": ("device", lambda rng, half: code(rng, 3, 6) if half == "developed" else f"{code(rng, 2, 3)}-{digits(rng, 'dddd')}"),
    "url": ("url", lambda rng, half: f"https://example.cn/p/{digits(rng, 'dddddd')}" if half == "developed" else f"www.example.com.cn/bg?id={digits(rng, 'ddddd')}"),
    "ip": ("ip", lambda rng, half: ".".join(str(rng.randint(1, 254)) for _ in range(4))), "biometric": ("biometric", lambda rng, half: code(rng, 2, 6)),
    "photo": ("photo", lambda rng, half: f"IMG{digits(rng, 'dddd')}.jpg" if half == "developed" else f"面部_{digits(rng, 'ddd')}.png"),
    "specimen": ("other", pick({"developed": ["Bdddddd", "20dd00dddd"], "held out": ["CTdddddd", "dddddddddd", "Pdd-ddddd"]})),
    "wechat": ("other", lambda rng, half: f"wx_{digits(rng, 'dddddd')}" if half == "developed" else f"tan{digits(rng, 'dddd')}hao"),
}  # fmt: skip
JOINTS = ["", "", "\n", "\n"]
POOLS = {
    "developed": [
        "姓名：{name}  性别：男  住院号：{record}。", "患者{name}，男，56岁，因“反复咳嗽3天”于{day}入院。", "{name}，女，{old}岁，退休。",
        "出生日期：{born}。", "身份证号：{identity}。", "联系电话：{mobile}。", "家庭电话{phone}。", "传真：{fax}。", "电子邮箱：{email}。",
        "家庭住址：{address}。", "家住{address}，已婚。", "其妻{name}陪同来院。", "患者儿子{name}签字同意手术。", "主治医师：{name}。",
        "{surname}主任查房后指示：继续抗感染治疗。", "今日{name}医师查看患者。", "患者曾于{day}在{hospital}行胃镜检查。", "医保卡号：{plan}。",
        "银行卡号：{account}。", "执业证书编号：{licence}。", "护照号：{licence}。", "车牌号{plate}的轿车将其撞倒。", "车架号：{vin}。",
        "起搏器序列号：{serial}。", "报告见{url}。", "登录IP地址：{ip}。", "指纹编号：{biometric}。", "照片{photo}已存档。", "标本号：{specimen}。",
        "病理号：{specimen}。", "微信号：{wechat}。", "联系人：{name}，关系：夫妻。", "门诊号：{record}。", "患者{foreign}，女，34岁。",
        "{day}复查血常规正常。", "{weekday}出院。", "{holiday}期间受凉后发热。", "工作单位：{employer}。", "{city}人，农民。", "邮编：{zip}。",
        "记录者：{name}。", "于{monthpart}开始出现乏力。",
        "患者无明显诱因出现腹痛，伴恶心、呕吐。", "否认高血压、糖尿病、冠心病史。", "体温36.5℃，脉搏80次/分，血压120/80mmHg。", "白细胞10.5×10^9/L，血红蛋白110g/L。",
        "口服阿莫西林0.5g，每日3次，共7天。", "双肺呼吸音清，未闻及干湿性啰音。", "3个月后门诊复查。", "高热、黄疸、水肿均不明显。", "我院门诊以“肺炎”收住。", "术后第3天拔除引流管。",
    ],
    "held out": [
        "患者姓名 ：{name}    病案号：{record}", "病人{name}因外伤后疼痛1小时来诊。", "现病史：{name}，女性，45岁，{day}无诱因头晕。", "年龄：{old}岁。", "患者系{old}岁高龄男性。",
        "生日：{born}。", "身份证：{identity}，已核对。", "手机：{mobile}。", "可拨打{mobile}联系家属。", "座机：{phone}。", "传真号码：{fax}。", "邮箱{email}。",
        "现住址：{address}。", "患者居住在{address}。", "女儿{name}代诉病史。", "病史由其丈夫{name}提供。", "术者：{name}，一助：{name}，麻醉医师：{name}。",
        "请{surname}教授会诊。", "{name}主任医师主刀。", "由{name}医生完成操作。", "{day}于{hospital}住院治疗。", "外院（{hospital}）CT提示肺部占位。",
        "社会保障卡号：{plan}。", "参保号{plan}。", "账号：{account}。", "执业医师证号：{licence}。", "驾驶证号：{licence}。", "被{plate}货车撞伤。", "车辆识别代号：{vin}。",
        "植入支架编号：{serial}。", "胰岛素泵序列号{serial}。", "网址：{url}。", "从{ip}访问病历系统。", "虹膜识别编号{biometric}。", "图片{photo}上传。", "检查号：{specimen}。",
        "申请单号{specimen}。", "微信{wechat}。", "紧急联系人：{name}（父亲），电话{mobile}。", "住院号{record}。", "患儿{foreign}，男，3岁。", "{day}再次入院。", "定于{weekday}手术。",
        "{holiday}后症状加重。", "就职于{employer}。", "籍贯：{city}。", "邮政编码：{zip}。", "医师签名：{name}", "家属{name}电话告知病情变化。", "自{monthpart}起间断发热。",
        "无明显诱因出现胸闷，休息后缓解。", "既往体健，否认药物过敏史。", "心率88次/分，律齐，各瓣膜听诊区未闻及杂音。", "予头孢曲松2g静滴，每日1次。", "当地医院予对症治疗，效果欠佳。",
        "肝肋下未及，移动性浊音阴性。", "2周前出现双下肢水肿。", "CEA 5.6ng/ml，CA199 40U/ml。", "安静休息，低盐饮食，1月后复查。", "病变大小约3.5×2.0cm。",
    ],
    "held out later": [
        "入院记录\n姓名：{name}\t病历号：{record}", "该患者{name}，{old}岁，退休教师。", "{name}先生因胸痛于{day}来我科就诊。", "患者之女{name}诉其近期消瘦。", "手术由{name}教授主刀，{name}医师协助。",
        "已电话告知患者家属{name}。", "主管医生：{name}", "签字人：{name}，与患者关系：父子。", "联系方式：{mobile}。", "办公电话：{phone}。", "传真{fax}。", "电邮：{email}。", "身份证号码为{identity}。",
        "医保编号：{plan}。", "退款至银行卡{account}。", "护士执业证书号{licence}。", "驾驶{plate}小轿车途中受伤。", "车架号为{vin}。", "人工关节假体编号{serial}。", "影像链接：{url}。", "终端IP {ip}。",
        "声纹编号：{biometric}。", "附照片{photo}。", "病理号{specimen}。", "申请单编号：{specimen}。", "微信号为{wechat}。", "{day}外院{hospital}查CT。", "转入{hospital}继续治疗。", "现居住地：{address}。",
        "老家在{city}。", "在{employer}上班。", "邮编{zip}。", "出生年月：{born}。", "症状始于{monthpart}。", "约定{weekday}复诊。", "{holiday}前后饮酒。", "{surname}医生查房，同意目前治疗。", "患者{foreign}诉咳嗽。",
        "神志清，精神可，查体合作。", "血钾3.5mmol/L，肌酐80μmol/L。", "病程2年余，加重1周。", "高脂血症，规律服药。", "方案：补液、抗感染。", "否认手术、外伤及输血史。",
    ],
}  # fmt: skip
SURNAME["held out later"] = "郑曹彭吕苏蒋蔡贾魏薛叶阎潘杜戴夏钟姜范方"
GIVEN["held out later"] = [
    "振华",
    "淑珍",
    "嘉怡",
    "宇航",
    "志明",
    "翠兰",
    "鑫",
    "博文",
    "晓燕",
    "凤英",
    "立新",
    "梦琪",
    "佳",
    "成林",
    "文静",
]
FOREIGN["held out later"] = ["迪丽拜尔·吾守尔", "尼玛·扎西"]
CITY["held out later"] = ["遵义市", "衡水市", "景德镇市", "大庆市"]
DISTRICT["held out later"] = ["汇川区", "桃城区", "珠山区", "让胡路区"]
HOSPITAL["held out later"] = ["遵义医科大学附属医院", "衡水市人民医院", "安贞医院"]
EMPLOYER["held out later"] = ["宏远建筑公司", "大庆油田总公司", "珠山区第二小学"]
