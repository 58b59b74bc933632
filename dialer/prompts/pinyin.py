"""Chinese characters to pinyin with tone numbers, for a speech program that cannot read them.

espeak-ng as packaged by Debian knows only a handful of characters, and reads the others out as nonsense, but speaks
pinyin well. The table holds what is said about calls, payments, numbers and dates, with the words in which a character
changes its reading. A text with any other character is refused, never mumbled: record it, or write it in pinyin.
"""

_WORDS = """
银行 yin2 hang2|还款 huan2 kuan3|还清 huan2 qing1|偿还 chang2 huan2|重听 chong2 ting1|重新 chong2 xin1|
觉得 jue2 de5|得到 de2 dao4|便宜 pian2 yi5|方便 fang1 bian4|音乐 yin1 yue4|为您 wei4 nin2|为了 wei4 le5|
为止 wei2 zhi3|不是 bu2 shi4|不再 bu2 zai4|不要 bu2 yao4|不用 bu2 yong4|一遍 yi2 bian4|一下 yi2 xia4|
一共 yi2 gong4|什么 shen2 me5|没有 mei2 you3|电话 dian4 hua4|号码 hao4 ma3|服务 fu2 wu4|工作 gong1 zuo4|
正在 zheng4 zai4|中心 zhong1 xin1|调整 tiao2 zheng3|出差 chu1 chai1|睡觉 shui4 jiao4|处理 chu3 li3|
好处 hao3 chu4|系统 xi4 tong3|联系 lian2 xi4|
"""
_CHARACTERS = """
零 ling2|一 yi1|二 er4|三 san1|四 si4|五 wu3|六 liu4|七 qi1|八 ba1|九 jiu3|十 shi2|百 bai3|千 qian1|万 wan4|
亿 yi4|两 liang3|幺 yao1|元 yuan2|角 jiao3|分 fen1|块 kuai4|年 nian2|月 yue4|日 ri4|号 hao4|点 dian3|时 shi2|
星 xing1|期 qi1|天 tian1|今 jin1|明 ming2|昨 zuo2|早 zao3|晚 wan3|上 shang4|下 xia4|午 wu3|前 qian2|后 hou4|
内 nei4|外 wai4|间 jian1|您 nin2|你 ni3|我 wo3|们 men5|他 ta1|她 ta1|它 ta1|这 zhe4|那 na4|哪 na3|里 li3|
位 wei4|谁 shei2|人 ren2|本 ben3|机 ji1|喂 wei2|好 hao3|请 qing3|谢 xie4|再 zai4|见 jian4|对 dui4|起 qi3|
抱 bao4|歉 qian4|打 da3|扰 rao3|嗯 en4|哎 ai1|啊 a5|吗 ma5|呢 ne5|吧 ba5|的 de5|地 di4|得 de5|了 le5|着 zhe5|
过 guo4|和 he2|与 yu3|或 huo4|者 zhe3|以 yi3|可 ke3|能 neng2|会 hui4|要 yao4|想 xiang3|是 shi4|不 bu4|没 mei2|
有 you3|无 wu2|法 fa3|未 wei4|已 yi3|经 jing1|将 jiang1|就 jiu4|都 dou1|也 ye3|还 hai2|又 you4|在 zai4|
到 dao4|从 cong2|给 gei3|被 bei4|把 ba3|为 wei4|向 xiang4|由 you2|用 yong4|所 suo3|如 ru2|果 guo3|因 yin1|
但 dan4|电 dian4|话 hua4|码 ma3|手 shou3|短 duan3|信 xin4|拨 bo1|接 jie1|通 tong1|听 ting1|挂 gua4|断 duan4|
按 an4|键 jian4|留 liu2|言 yan2|录 lu4|音 yin1|提 ti2|示 shi4|声 sheng1|滴 di1|束 shu4|结 jie2|开 kai1|
始 shi3|回 hui2|复 fu4|重 zhong4|新 xin1|核 he2|空 kong4|关 guan1|停 ting2|忙 mang2|闲 xian2|户 hu4|主 zhu3|
线 xian4|络 luo4|网 wang3|坐 zuo4|席 xi2|客 ke4|服 fu2|务 wu4|工 gong1|作 zuo4|员 yuan2|业 ye4|营 ying2|
公 gong1|司 si1|部 bu4|门 men2|行 xing2|银 yin2|卡 ka3|账 zhang4|单 dan1|款 kuan3|钱 qian2|额 e2|金 jin1|
欠 qian4|借 jie4|贷 dai4|付 fu4|缴 jiao3|逾 yu2|利 li4|息 xi1|费 fei4|应 ying1|清 qing1|最 zui4|低 di1|
高 gao1|多 duo1|少 shao3|大 da4|小 xiao3|快 kuai4|慢 man4|尽 jin3|马 ma3|立 li4|即 ji2|暂 zan4|稍 shao1|
等 deng3|候 hou4|便 bian4|方 fang1|刚 gang1|才 cai2|现 xian4|正 zheng4|次 ci4|遍 bian4|第 di4|个 ge4|件 jian4|
事 shi4|情 qing2|问 wen4|题 ti2|说 shuo1|讲 jiang3|告 gao4|诉 su4|知 zhi1|道 dao4|感 gan3|收 shou1|确 que4|
认 ren4|系 xi4|联 lian2|名 ming2|姓 xing4|先 xian1|生 sheng1|女 nv3|士 shi4|贵 gui4|质 zhi4|量 liang4|保 bao3|
证 zheng4|样 yang4|心 xin1|中 zhong1|只 zhi3|同 tong2|意 yi4|办 ban4|理 li3|查 cha2|询 xun2|选 xuan3|择 ze2|
输 shu1|入 ru4|错 cuo4|误 wu4|语 yu3|自 zi4|动 dong4|醒 xing3|协 xie2|商 shang1|记 ji4|安 an1|排 pai2|尊 zun1|
敬 jing4|于 yu2|
"""
_PUNCTUATION = {"，": ", ", "。": ". ", "？": "? ", "！": "! ", "、": ", ", "：": ", ", "；": ", "}


_READINGS: dict[str, str] = {
    word: reading
    for word, _, reading in (entry.partition(" ") for entry in (_WORDS + _CHARACTERS).replace("\n", "").split("|"))
    if word
}
_LONGEST = 2


def to_pinyin(text: str) -> str:
    """The text with every Chinese character read; other text (Latin letters, pinyin, digits) stays.

    Raises ValueError with the first character whose reading is not known.
    """
    spoken = ""
    at = 0
    while at < len(text):
        for length in (_LONGEST, 1):
            piece = text[at : at + length]
            reading = _READINGS.get(piece)
            if reading is not None:
                spoken += f"{reading} "
                at += length
                break
        else:
            spoken += _other(text[at])
            at += 1
    return spoken.strip()


def _other(character: str) -> str:
    if character in _PUNCTUATION:
        return _PUNCTUATION[character]
    if ord(character) > 0x2E7F:
        raise ValueError(character)
    return character
