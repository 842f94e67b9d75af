"""Chinese words of the world, as tables.

{o} is the object of a motion, {d} the place of the direction where it is not the front. Everything in a `heldout` list
is for tests of free wording and must never be trained on.
"""

from __future__ import annotations

from skyloom.world.grammar import Phrases

MOTION = {
    "stand": Phrases(("站着", "静静地站着", "站着不动"), ("待在原地", "伫立不动")),
    "walk": Phrases(("走", "行走", "步行"), ("散步", "漫步")),
    "run": Phrases(("跑", "奔跑", "跑步"), ("飞奔", "疾驰")),
    "jump": Phrases(("跳跃", "上下跳", "跳起来"), ("腾空而起", "蹦高")),
    "hop": Phrases(("蹦跳前进", "蹦蹦跳跳地前进", "一蹦一跳地前进"), ("雀跃前行", "连蹦带跳地挪动")),
    "bounce": Phrases(("弹跳", "上下弹跳", "弹来弹去"), ("反复弹起",)),
    "fall": Phrases(("落下", "掉下来", "往下掉"), ("坠落", "跌落")),
    "roll": Phrases(("滚", "滚动", "翻滚"), ("骨碌碌地转动",)),
    "slide": Phrases(("滑", "滑行", "滑动"), ("溜过去", "打滑")),
    "fly": Phrases(("飞", "飞行", "飞翔"), ("翱翔", "凌空而过")),
    "float": Phrases(("飘起来", "向上飘", "浮起来"), ("升空", "冉冉上升")),
    "swim": Phrases(("游", "游泳", "游动"), ("划水", "戏水")),
    "spin": Phrases(("旋转", "转圈", "原地旋转"), ("打转", "自转")),
    "orbit": Phrases(("绕着{o}转", "围着{o}转", "环绕{o}"), ("以{o}为中心环行",)),
    "grow": Phrases(("变大", "长大", "越变越大"), ("膨胀", "增大")),
    "shrink": Phrases(("变小", "缩小", "越变越小"), ("萎缩", "收缩")),
    "approach": Phrases(("靠近镜头", "朝镜头过来", "向镜头靠近"), ("迎面而来", "逼近我们")),
    "recede": Phrases(("远离镜头", "向远处去", "离镜头远去"), ("渐行渐远", "退向天边")),
    "chase": Phrases(("追{o}", "追着{o}", "追赶{o}"), ("追逐{o}", "尾随{o}")),
    "pass_behind": Phrases(("从{o}后面经过", "从{o}背后经过", "从{o}后面走过"), ("从{o}身后穿过",)),
    "ride": Phrases(("骑着{o}", "骑在{o}上", "坐在{o}上面"), ("乘着{o}", "驾着{o}")),
    "collide": Phrases(("撞上{o}", "和{o}相撞", "撞到{o}"), ("与{o}碰撞", "冲撞{o}")),
    "push": Phrases(("推着{o}", "推{o}", "推动{o}"), ("顶着{o}前进", "挪动{o}")),
}

MANNER = {
    "stand": ("一动不动", "很安静"),
    "walk": ("一步一步", "步子均匀"),
    "run": ("迈着大步", "一步接一步"),
    "jump": ("跳起又落回原处", "离开地面又落回来"),
    "hop": ("跳一下停一下", "小步小步"),
    "bounce": ("一次比一次低", "碰到地面又弹起"),
    "fall": ("从上面落到地面", "受重力下坠"),
    "roll": ("边走边转", "不停地翻转"),
    "slide": ("慢下来直到停住", "因摩擦而变慢"),
    "fly": ("在地面上方", "高高在上"),
    "float": ("像气球一样轻", "升到空中"),
    "swim": ("身体轻轻摆动", "像波浪一样"),
    "spin": ("一圈又一圈", "围绕自己转动"),
    "orbit": ("画出一个圆", "走成一个圆圈"),
    "grow": ("直到大了很多", "一点一点变大"),
    "shrink": ("直到小了很多", "一点一点变小"),
    "approach": ("看起来越来越大", "离我们越来越近"),
    "recede": ("看起来越来越小", "离我们越来越远"),
    "chase": ("紧跟在后面", "想要追上"),
    "pass_behind": ("有一会儿被挡住", "一时看不见"),
    "ride": ("被带着走", "坐得很稳"),
    "collide": ("然后弹开", "又各自弹回"),
    "push": ("把它往前推", "让它在地上移动"),
}
"""How each motion goes; said in descriptive captions only."""

DIRECTION = {
    "left": Phrases(("向左", "往左", "朝左"), ("往左侧", "朝着左方")),
    "right": Phrases(("向右", "往右", "朝右"), ("往右侧", "朝着右方")),
}

SPEED = {
    "slow": Phrases(("慢慢地", "缓慢地", "慢慢"), ("悠悠地", "不慌不忙地")),
    "fast": Phrases(("快速地", "飞快地", "快快地"), ("迅速地", "急匆匆地")),
}

SIDE = {
    "left": Phrases(("左边的", "左侧的"), ("靠左的",)),
    "right": Phrases(("右边的", "右侧的"), ("靠右的",)),
    "middle": Phrases(("中间的", "正中的"), ("居中的",)),
}

COLOR = {
    "red": "红色", "orange": "橙色", "yellow": "黄色", "green": "绿色", "blue": "蓝色", "purple": "紫色",
    "pink": "粉色", "white": "白色", "black": "黑色",
}  # fmt: skip

WHERE = {
    "meadow": Phrases(("在草地上", "在绿草地上", "在草原上"), ("在青草坪上", "在原野上")),
    "desert": Phrases(("在沙漠里", "在沙漠中"), ("在沙丘间", "在荒漠里")),
    "beach": Phrases(("在沙滩上", "在海滩上"), ("在海边", "在海岸上")),
    "sea": Phrases(("在大海上", "在海面上"), ("在海洋上", "在波涛上")),
    "underwater": Phrases(("在水下", "在海底", "在水底"), ("在海水深处", "在水中")),
    "snowy forest": Phrases(("在雪林里", "在积雪的森林里", "在白雪覆盖的森林里"), ("在冬天的树林里",)),
    "jungle": Phrases(("在丛林里", "在热带丛林里", "在丛林中"), ("在雨林里",)),
    "mountains": Phrases(("在山里", "在高山前", "在群山中"), ("在山区", "在峰峦间")),
    "farm": Phrases(("在农场里", "在农场上"), ("在农庄里", "在乡下")),
    "city street": Phrases(("在城市街道上", "在城里的街上", "在街道上"), ("在马路上", "在市区里")),
    "neon street": Phrases(("在霓虹街道上", "在霓虹灯街上", "在霓虹闪烁的街上"), ("在灯火通明的夜街上",)),
    "kitchen": Phrases(("在厨房里", "在厨房中"), ("在灶台边", "在做饭的屋子里")),
    "stage": Phrases(("在舞台上", "在戏台上"), ("在剧场里", "在幕布前")),
    "space": Phrases(("在太空中", "在太空里", "在宇宙中"), ("在星际间", "在外层空间")),
}

PLACE = {
    "meadow": Phrases(("草地", "绿草地"), ("青草坪",)),
    "desert": Phrases(("沙漠",), ("荒漠",)),
    "beach": Phrases(("沙滩", "海滩"), ("海岸",)),
    "sea": Phrases(("大海", "海面"), ("海洋",)),
    "underwater": Phrases(("水下", "海底"), ("海水深处",)),
    "snowy forest": Phrases(("雪林", "积雪的森林"), ("冬天的树林",)),
    "jungle": Phrases(("丛林", "热带丛林"), ("雨林",)),
    "mountains": Phrases(("群山", "高山"), ("山区",)),
    "farm": Phrases(("农场",), ("农庄",)),
    "city street": Phrases(("城市街道", "城里的街"), ("马路",)),
    "neon street": Phrases(("霓虹街道", "霓虹灯街"), ("灯火通明的夜街",)),
    "kitchen": Phrases(("厨房",), ("做饭的屋子",)),
    "stage": Phrases(("舞台", "戏台"), ("剧场",)),
    "space": Phrases(("太空", "宇宙"), ("外层空间",)),
}

PLACE_DETAIL = {
    "meadow": ("到处是绿草和小花", "周围都是草和花"),
    "desert": ("有干燥的沙子和红色的岩石", "四周一片橙色的沙"),
    "beach": ("前面是沙子，后面是蓝色的水", "沙子后面是蓝色的水"),
    "sea": ("四周都是波浪", "蓝色的波浪一直到天边"),
    "underwater": ("四周是蓝色的水", "沙地上面全是水"),
    "snowy forest": ("地面是白的，树上有雪", "白色的地面后面有树"),
    "jungle": ("到处是浓密的绿叶", "周围长满绿色植物"),
    "mountains": ("后面是雪白的山峰", "远处有高高的山峰"),
    "farm": ("有一行一行的田地", "有栅栏和田地"),
    "city street": ("路边有房子", "路后面有楼房"),
    "neon street": ("湿地面上映着招牌的亮光", "黑暗中招牌很亮"),
    "kitchen": ("墙上有瓷砖", "有木台面和墙砖"),
    "stage": ("有木地板和红色的幕帘", "后面有红色的幕帘"),
    "space": ("灰色的地面上有坑", "灰色的地面上方是黑暗的天空"),
}
"""What a place looks like; said in descriptive captions only."""

WEATHER = {
    "rain": Phrases(("下着雨", "正在下雨", "雨一直下"), ("大雨滂沱", "细雨绵绵")),
    "snow": Phrases(("下着雪", "正在下雪", "雪一直下"), ("雪花纷飞", "漫天飞雪")),
    "petals": Phrases(("花瓣飘落", "飘着花瓣", "花瓣在空中飘"), ("落英缤纷",)),
    "fog": Phrases(("有雾", "雾很大", "起了雾"), ("烟霭弥漫", "云遮雾罩")),
    "stars": Phrases(("满天星星", "天上有星星", "星空很亮"), ("繁星点点",)),
    "sunset": Phrases(("日落时", "太阳落山时", "正是日落"), ("黄昏时分", "傍晚")),
    "night": Phrases(("夜里", "晚上", "正是夜晚"), ("入夜后", "天黑以后")),
}

WEATHER_TAG = {
    "rain": "雨", "snow": "雪", "petals": "花瓣", "fog": "雾", "stars": "星空", "sunset": "日落", "night": "夜",
}  # fmt: skip

CLEAR = ("天气晴好", "天气正常", "光线清楚")

CAMERA = {
    "still": Phrases(("不动", "保持静止"), ("固定着",)),
    "pan left": Phrases(("向左摇", "左移", "向左平移"), ("扫向左方",)),
    "pan right": Phrases(("向右摇", "右移", "向右平移"), ("扫向右方",)),
    "tilt up": Phrases(("向上摇", "上移", "向上抬"), ("仰起",)),
    "tilt down": Phrases(("向下摇", "下移", "向下压"), ("俯下去",)),
    "zoom in": Phrases(("拉近", "放大画面"), ("变焦靠拢",)),
    "zoom out": Phrases(("拉远", "缩小画面"), ("变焦退开",)),
    "dolly in": Phrases(("向前推进", "往前推"), ("朝前行进",)),
    "dolly out": Phrases(("向后退", "往后退"), ("倒着行进",)),
    "shake": Phrases(("晃动", "抖动"), ("摇摇晃晃",)),
}

STYLE = {
    "3d render": Phrases(("三维动画", "3D渲染"), ("电脑立体图",)),
    "cartoon": Phrases(("卡通", "平面卡通"), ("漫画",)),
    "pixel art": Phrases(("像素画", "像素艺术"), ("复古游戏图",)),
    "charcoal": Phrases(("炭笔画", "炭笔素描"), ("黑粉笔画",)),
    "1920s film": Phrases(("1920年代老电影", "二十年代默片"), ("泛黄胶片",)),
    "claymation": Phrases(("黏土动画", "粘土动画"), ("橡皮泥定格片",)),
}

EVENT = {
    "bitten": Phrases(("{s}被咬了一口", "{s}被咬掉一块"), ("{s}被啃了一下",)),
    "broken": Phrases(("{s}碎了", "{s}被打碎", "{s}裂开了"), ("{s}破裂",)),
    "painted": Phrases(("{s}被涂成{c}", "{s}被刷成{c}"), ("{s}被染成{c}",)),
    "footprints": Phrases(("{s}留下脚印", "{s}留下一串脚印"), ("{s}踩出足迹",)),
    "blown out": Phrases(("{s}被吹灭", "{s}灭了"), ("{s}熄掉了",)),
}

ONE_EVENT = Phrases(("，然后{a}", "；接着{a}", "，{a}"), ("，过了片刻{a}",))
TWO_EVENTS = Phrases(("，先是{a}，然后{b}", "；首先{a}，接着{b}", "；{a}，然后{b}"), ("；起初{a}，稍后{b}",))
CUT = Phrases(("；然后切到{place}", "；接着镜头切到{place}", "；切到{place}"), ("；下一幕是{place}",))
SAME_PLACE_CUT = Phrases(("；然后换了一个镜头", "；接着切到另一个镜头"), ("；随后画面更替",))

FRAMES = Phrases(
    (
        "{nouns}{where}{pred}",
        "{nouns}正{where}{pred}",
        "{where}，{finite}",
        "{where}，{progressive}",
        "{loc}有{attributive}",
        "视频里，{finite}，{where}",
        "一段视频：{loc}有{attributive}",
        "我们看到{where}，{finite}",
        "{nouns}{where}，{definite}",
    ),
    ("请想象{loc}有{attributive}", "给我看{where}，{finite}", "这里呈现{attributive}，{where}"),
)
"""Whole sentences; those with `pred` are for actors that all do the same."""

TERSE_FRAMES = Phrases(("{terse}，{place}", "{place}，{terse}", "{terse}{where}"), ("{terse}／{place}",))

STYLE_FRAMES = Phrases(("{style}：{text}", "{style}风格：{text}", "{text}，{style}风格"), ("{text}，用{style}的手法",))

CAMERA_FRAMES = Phrases(("，镜头{a}", "；镜头{a}", "，同时镜头{a}"), ("，视角则{a}",))

SCENE_SENTENCES = Phrases(("地点是{place}，{detail}，{weather}。", "这里是{place}，{detail}，{weather}。"),
                          ("背景为{place}，{detail}，{weather}。",))  # fmt: skip

LOOK_SENTENCES = Phrases(
    ("画面是{style}风格，镜头{camera}。", "镜头{camera}，画面是{style}风格。"), ("成片像{style}，机位{camera}。",)
)

NUMBERS = ("零", "一", "两", "三")

_ENDINGS = {
    "只": "手套 鞋 靴子 靴 蜗牛 恐龙 霸王龙 暴龙 雷龙 章鱼 八爪鱼 运动鞋 毛毛虫",
    "头": "牛 猪 大象 小象 灰象 猛犸象 长毛象 狮子 驴 毛驴 鲸 鲸鱼 蓝鲸 犀牛 河马",
    "匹": "马 骆驼 双峰驼 骡子",
    "条": "鱼 蛇 龙 鲨 裤 围巾 裙 裙子 独木舟 皮划艇 小船 蚯蚓",
    "辆": "车 巴士 救火车 的士 摩托 皮卡",
    "列": "火车 高铁 列车",
    "架": "飞机 直升机 客机 喷气机 钢琴 梯子 木梯 望远镜",
    "艘": "船 艇 轮船 货轮 渡轮 飞碟",
    "枚": "火箭 奖牌 金牌 硬币 金币",
    "个": "木马 火车头 箱 工具箱 桶 齿轮 灭火器 锚 信封 球 土星 地球",
    "朵": "花 玫瑰 郁金香 向日葵 葵花 云 云朵 雏菊 睡莲 蘑菇 浪花",
    "束": "花束",
    "棵": "树 草 白菜 西兰花 花椰菜",
    "份": "爆米花",
    "株": "幼苗 嫩芽 小苗",
    "盆": "盆栽 盆栽植物",
    "根": "香蕉 胡萝卜 红萝卜 玉米 玉米棒 木头 原木 骨头 羽毛 黄瓜 法棍",
    "把": "吉他 提琴 小号 剑 刀 伞 锤 锤子 斧 斧头 锯 剪刀 扳手 钥匙 椅子 木椅 匕首",
    "面": "鼓 旗 镜子 盾 盾牌 蓝盾 墙 砖墙",
    "台": "电视 电视机 电脑 照相机 相机 显微镜 收音机",
    "部": "电话 手机 座机",
    "本": "书 书本",
    "顶": "帽子 帽 帐篷 王冠 皇冠",
    "件": "衬衫 外套 短袖 T恤",
    "支": "蜡烛 笔 铅笔 画笔 蜡笔 笛子 长笛 萨克斯 萨克斯管",
    "块": "披萨 蛋糕 饼干 曲奇 奶酪 芝士 面包 巧克力 石头 岩石 磁铁 吸铁石 滑板 墓碑 石碑 冰块 方冰",
    "座": "房子 城堡 塔 山 火山 桥 奖杯 金杯",
    "盏": "灯 红绿灯 灯笼",
    "颗": "星星 行星 彗星 卫星 流星 陨石 钻石 宝石 心 骰子 色子 糖果 草莓 炸弹",
    "杯": "茶 奶茶 咖啡 啤酒 汽水 可乐 饮料",
    "碗": "面条 拉面",
    "瓶": "酒",
    "道": "彩虹 闪电 雷电",
    "位": "天使 国王 女王 公主 王子 美人鱼 人鱼 医生 老师 赛马",
    "片": "叶子 叶 枫叶 红叶 雪花 西瓜片",
    "张": "床",
    "扇": "门 窗 窗户 窗子",
    "家": "便利店 商店 酒店 旅馆 宾馆",
    "所": "医院 学校",
}
CLASSIFIERS_BY_ENDING = {ending: word for word, endings in _ENDINGS.items() for ending in endings.split()}
"""Measure words by the end of a noun; the longest ending wins."""

CLASSIFIERS_BY_CATEGORY = {
    "animal": "只", "person": "个", "vehicle": "辆", "food": "个", "plant": "棵", "sport": "个", "instrument": "个",
    "tool": "把", "building": "座", "weather": "个", "space": "个", "object": "个", "body": "个",
}  # fmt: skip

_ORDINARY = """
的 地 得 了 着 在 有 是 和 与 跟 也 都 就 还 又 再 很 太 最 更 不 没 没有 一 二 两 三 个 只 条 这 那 它 他 她 我
你 我们 你们 他们 它们 把 被 让 给 从 到 向 往 朝 里 上 下 中 内 外 前 后 左 右 左边 右边 中间 旁边 上面 下面
前面 后面 里面 外面 正在 然后 接着 先 首先 最后 同时 一边 时 时候 边 面 来 去 会 能 要 想 请 做 看 看到 视频
画面 镜头 场景 图片 照片 风格 这里 那里 什么 怎么 非常 一段 一个 一只 一张 一些 很多 起来 过来 过去 而 但 或
以及 并 并且 另 另一 之 为 以 于 所 成 变 变成 换 换成 改 成片 四 五
"""
FUNCTION_WORDS = frozenset(_ORDINARY.split())
"""Words that need no picture: they never count as unknown."""
