"""Words that a prompt may not hold, and what makes them harmless.

Patterns are matched on `moderation.plainly`'s text: lower case, no accents. RULES refuse by themselves, WORDS only
where two kinds meet (MEETINGS), after HARMLESS phrases are taken out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

REASONS = {
    "sexual": "it asks for sexual content",
    "minors": "it asks for sexual content with children",
    "violence": "it asks for cruelty or gore",
    "self_harm": "it shows how people harm themselves",
    "hate": "it praises hatred of a group of people",
    "weapons": "it asks how to make weapons or explosives",
}


@dataclass(frozen=True)
class Rule:
    """A pattern and the category that it refuses."""

    category: str
    pattern: re.Pattern[str]


def words(english: str, chinese: str = "") -> re.Pattern[str]:
    """Return a pattern of whole English words (alternatives of a regular expression) or any Chinese ones."""
    parts = [rf"\b(?:{english})\b"] + ([f"(?:{chinese})"] if chinese else [])
    return re.compile("|".join(parts))


HARMLESS = words(
    r"bloody mar(?:y|ies)|blood (?:orange|moon|oranges|pressure|test|donation|drive|bank|cells?|vessels?)|bloodhounds?"
    r"|(?:shoots?|shooting|shot) (?:an? |the |some )?(?:basketball|ball|hoops?|pool|goal|arrows?|film|movie|video"
    r"|photos?"
    r"|scene|baskets?|puck|penalty|free throws?|stars?)|shooting (?:stars?|guard)|photo ?shoots?|(?:bamboo|green"
    r"|young) shoots?"
    r"|(?:head|mug|long|close-?up|wide|drone|aerial|tracking|camera|espresso|medium|screen|slap|moon|jump)[ -]?shots?"
    r"|naked (?:eye|mole[- ]rats?|tree|trees|branch|branches|flame|bulb|lady)|nude (?:colou?r|lipstick|shade"
    r"|tones?|heels)"
    r"|killer whales?|dead(?: |-)?(?:sea|end|lift|line|pan|wood|leaf|leaves|tree|trees|heat)|chicken breasts?"
    r"|breast ?stroke"
    r"|(?:cock|cockerel|rooster) crows?|pussy ?(?:cats?|willows?)|blue[- ]footed booby|great tits?|blue tits?"
    r"|cutting (?:board|a cake|the cake|edge|paper|grass)|hang(?:s|ing)? (?:out|glid\w+|from|on|up|gardens?)"
    r"|sex education"
    r"|hot ?dogs?|bath ?bombs?|photo ?bombs?|seed bombs?|cherry bombs?|bomb(?:er)? jackets?|water guns?"
    r"|nerf guns?|glue guns?"
    r"|(?:kills?|killing) time|strips? of|comic strips?|strip mall",
    "血橙|血月|血压|献血|血管|杀青|杀毒|杀价|射门|射箭|投篮|射击游戏|裸眼|裸子植物|死海|虎鲸|杀人鲸|自杀预防",
)
RULES: tuple[Rule, ...] = (
    Rule("minors", words(
        r"child porn\w*|kiddie porn|lolicon|shotacon|loli hentai|pedophil\w*|paedophil\w*|jailbait|cp porn",
        "儿童色情|幼女色情|恋童|萝莉色情|幼交",
    )),
    Rule("sexual", words(
        r"porn\w*|hentai|blow ?jobs?|hand ?jobs?|cum ?shots?|creampie|gang ?bangs?|masturbat\w*|orgasms?"
        r"|ejaculat\w*|dildos?"
        r"|genitals?|penis(?:es)?|vaginas?|erect cock|fuck(?:s|ing|ed)?|having sex|have sex|sex (?:scene|tape|act"
        r"|video|orgy)"
        r"|(?:fully|completely|totally|stark) (?:naked|nude)|nudes|nsfw|topless (?:woman|women|girls?)|upskirt"
        r"|rape[sd]?|raping"
        r"|(?:naked|nude) (?:wom[ae]n|m[ae]n|girlfriend|body|bodies|people|person|lady|ladies|couple|celebrit\w+)"
        r"|strip(?:s|ping)? (?:naked|nude)|stripteases?",
        "色情|黄片|毛片|口交|肛交|性交|做爱|自慰|手淫|阴茎|阴道|射精|裸体|全裸|裸照|强奸|轮奸|脱光|成人电影|春宫|性爱",
    )),
    Rule("violence", words(
        r"behead(?:s|ed|ing|ings)?|decapitat\w*|disembowel\w*|dismember\w*|gore|gory|snuff (?:film|video)s?|mutilat\w*"
        r"|tortur(?:e|es|ed|ing) (?:a |an |the )?(?:\w+ )?(?:man|woman|child|person|people|prisoners?|animals?"
        r"|dogs?|cats?|kitten)"
        r"|mass shooting|school shooting|burn(?:s|ed|ing)? alive|entrails|blood[- ]?bath|massacres?",
        "斩首|砍头|肢解|分尸|碎尸|凌迟|虐杀|虐猫|虐狗|血腥|大屠杀|活活烧死|开膛破肚|酷刑",
    )),
    Rule("self_harm", words(
        r"suicid(?:e|es|al)|self[- ]?harm\w*|(?:cut|cuts|cutting|slit|slits|slitting) (?:her|his|their|my|your"
        r"|own) wrists?"
        r"|hang(?:s|ed|ing)? (?:him|her|them|my)sel(?:f|ves)|(?:kill|kills|killing|shoots?|shooting) (?:him|her"
        r"|them|my)sel(?:f|ves)",
        "自杀|自残|割腕|上吊|跳楼自尽|轻生",
    )),
    Rule("hate", words(
        r"heil hitler|white power|white supremac\w*|ethnic cleansing|gas the \w+|ku klux klan|kkk|neo-?nazis?"
        r"|nazi (?:salute|rally)"
        r"|(?:kill|exterminate|gas|lynch) (?:all |the )?(?:jews|muslims|christians|blacks|gays|immigrants|whites"
        r"|asians)|lynching",
        "希特勒万岁|白人至上|种族清洗|纳粹万岁|新纳粹|(?:杀光|灭绝)(?:犹太人|穆斯林|黑人|白人|同性恋)",
    )),
    Rule("weapons", words(
        r"(?:how to|instructions? (?:to|for)|steps? to|tutorial (?:on|for)) (?:mak\w+|build\w*|assembl\w+) (?:a "
        r"|an )?(?:\w+ )?"
        r"(?:bombs?|explosives?|grenades?|nerve gas|ghost guns?)|pipe bombs?|dirty bombs?|suicide vest",
        "(?:制作|制造|自制)(?:炸弹|炸药|毒气|土炸弹|枪支)|炸弹制作",
    )),
)  # fmt: skip
WORDS = {
    "child": words(
        r"child(?:ren)?|kids?|toddlers?|bab(?:y|ies)|minors?|underage|teen(?:s|ager|agers|age)?|school ?(?:girls?"
        r"|boys?)"
        r"|little (?:girls?|boys?)|young (?:girls?|boys?)|lolis?|pre-?teens?|1[0-7][- ]years?[- ]old"
        r"|[1-9][- ]years?[- ]old",
        "儿童|小孩|孩子|幼童|幼女|婴儿|未成年|小女孩|小男孩|少女|女学生|小学生|初中生|萝莉",
    ),
    "sexual": words(
        r"naked|nude|undress\w*|sexy|erotic\w*|sexual\w*|lingerie|topless|seductive\w*|sensual\w*|fetish|aroused"
        r"|breasts|thong",
        "裸|性感|情色|脱衣|脱掉|内衣|诱惑|挑逗|性欲",
    ),
    "sexual act": words(r"moan(?:s|ing)?|grop(?:e|es|ing)|intercourse|sex|thrust(?:s|ing)?", "性行为|呻吟|抚摸下体"),
    "person": words(
        r"wom[ae]n|m[ae]n|girls?|boys?|people|person|couples?|lovers?|lad(?:y|ies)|actress(?:es)?|he|she",
        "女人|男人|女孩|男孩|情侣|人们",
    ),
    "harm": words(
        r"stab(?:s|bed|bing)?|shoot(?:s|ing)?|shot|murder(?:s|ed|ing)?|kill(?:s|ed|ing)?|slaughter\w*|strangl\w*"
        r"|execut(?:es?|ed|ing)"
        r"|maim\w*|chop(?:s|ped|ping)? (?:off|up)|impal\w*",
        "刺死|捅死|枪杀|射杀|杀死|谋杀|勒死|处决|砍死",
    ),
    "blood": words(
        r"blood(?:y|ied|stained)?|bleed(?:s|ing)?|corpses?|guts|severed|brains splatter\w*|dead bod(?:y|ies)",
        "鲜血|流血|尸体|血泊|血肉",
    ),
}  # fmt: skip
MEETINGS: dict[str, tuple[set[str], ...]] = {
    "minors": ({"child", "sexual"}, {"child", "sexual act"}),
    "violence": ({"harm", "blood"},),
    "sexual": ({"sexual act", "sexual", "person"},),
}
"""Category: the sets of kinds that mean it when they meet."""
