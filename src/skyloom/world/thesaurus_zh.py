"""Chinese words that rewording understands and training never says.

As thesaurus_en: no phrase of the held-out lists is among them.
"""

from __future__ import annotations

from skyloom.world.thesaurus_en import rows

ACTOR = rows("""
dog: 哈士奇, 斗牛犬, 牧羊犬, 金毛
cat: 橘猫, 波斯猫, 家猫
horse: 骏骥, 赛驹, 白驹
cow: 水牛, 公牛, 黄牛
pig: 野猪, 家猪
elephant: 非洲象, 猛犸
tiger: 东北虎, 孟加拉虎
rabbit: 垂耳兔, 雪兔
monkey: 狒狒, 猕猴
fox: 北极狐, 赤狐
duck: 野鸭, 鹅
parrot: 虎皮鹦鹉, 金刚鹦鹉
turtle: 龟, 甲鱼
crab: 龙虾, 大闸蟹
fish: 金鱼, 鲤鱼, 鲑鱼
whale: 海豚, 虎鲸
bee: 黄蜂, 马蜂
dinosaur: 三角龙, 剑龙, 史前巨兽
robot: 机械人, 仿生人
ghost: 鬼, 鬼怪
alien: 天外来客
astronaut: 宇航者, 航天者
dancer: 舞蹈演员, 舞女
wizard: 术士
firefighter: 灭火队员
car: 出租车, 跑车, 小轿车
bus: 大客车, 校车
truck: 拖车, 重型车
bicycle: 二轮车
train: 列车
rocket: 导弹, 太空船
airplane: 民航机, 航班
helicopter: 旋翼机
sailboat: 游艇, 扬帆的船
teddy bear: 玩偶熊
guitar: 六弦琴, 贝斯
soccer ball: 黑白球
banana: 芭蕉
watermelon: 甜瓜
cake: 糕点, 奶油蛋糕
cookie: 酥饼
ice cream: 雪糕
mushroom: 菌菇, 香菇
cactus: 多肉植物
tree: 松树, 柳树
sunflower: 大黄花
star: 亮星
moon: 满月
""")

MOTION = rows("""
stand: 停着不动, 站立, 立着, 静止不动
walk: 走路, 走来走去, 迈步走, 溜达, 闲逛
run: 快跑, 猛跑, 跑来跑去, 小跑, 急奔
jump: 往上跳, 跳高, 一跃而起, 跳上跳下
hop: 小跳着走, 跳着走
bounce: 弹起又落下, 像皮球一样弹, 一弹一跳
fall: 落到地上, 从天上掉下来, 摔下来, 往下坠, 降落
roll: 滚来滚去, 打滚, 滚着走
slide: 滑着走, 滑过去
fly: 在天上飞, 飞来飞去, 盘旋, 展翅飞
float: 慢慢升起, 飘向天空, 往上浮, 飘上去
swim: 在水里游, 游来游去
spin: 转来转去, 转动, 不停地转, 团团转
orbit: 绕着{o}走, 在{o}周围转
grow: 长得很大, 越来越大, 扩大, 变得很大
shrink: 越来越小, 缩成一点, 变得很小很小, 缩短
approach: 走近, 走到我们面前, 越走越近
recede: 走远, 越走越远, 离开
chase: 追捕{o}, 跟在{o}后面追
ride: 坐着{o}
collide: 碰到{o}, 撞击{o}
push: 把{o}往前推
""")

PLACE = rows("""
meadow: 在绿地里, 在草坪上, 在花丛中, 在公园里, 在牧草地上
desert: 在黄沙里, 在干旱的沙地上, 在大漠中, 在撒哈拉
beach: 在沙子上, 在金色的沙地上, 在岸边, 在海水边上
sea: 在水面上, 在太平洋上, 在大洋里
underwater: 在海里面, 在水里, 在珊瑚中间, 在深海里
snowy forest: 在雪中的树林里, 在下过雪的林子里, 在雪地森林里
jungle: 在热带森林里, 在密林里, 在原始森林里
mountains: 在山上, 在高原上, 在山谷里, 在悬崖上
farm: 在牧场的谷仓旁, 在田里, 在田野上, 在村子里
city street: 在街头, 在城市里, 在楼房之间, 在人行道上
neon street: 在发光的招牌下, 在夜晚的霓虹灯下, 在五颜六色的灯光中
kitchen: 在灶房里, 在冰箱旁边, 在餐桌旁
stage: 在台上, 在剧院里, 在观众面前, 在聚光灯下
space: 在太阳系里, 在星球之间, 在失重中
""")

PLACE_NOUN = rows("""
meadow: 草坪, 花丛
desert: 大漠, 戈壁
beach: 海水边
sea: 大洋
underwater: 深海
snowy forest: 雪地森林
jungle: 热带森林
mountains: 高原
farm: 田野
city street: 街头
neon street: 霓虹夜景
kitchen: 灶房
stage: 剧院
space: 太阳系
""")

WEATHER = rows("""
rain: 下大雨, 雨中, 雨下个不停, 暴雨天
snow: 下大雪, 雪中, 大雪天, 飘着雪
petals: 花雨中, 樱花飘落, 花瓣纷飞
fog: 大雾里, 雾中, 浓雾天, 雾茫茫
stars: 星空下, 满天繁星, 星光下
sunset: 太阳下山时, 落日下, 夕阳中
night: 半夜, 夜晚, 黑夜里, 深夜
""")

DIRECTION = rows("""
left: 往左边, 向左边, 朝左边, 从右向左
right: 往右边, 向右边, 朝右边, 从左向右
""")

SPEED = rows("""
slow: 慢吞吞地, 轻轻地, 缓缓地
fast: 很快地, 急速地, 高速地, 匆忙地
""")

SIDE = rows("""
left: 在左边的, 左面的
right: 在右边的, 右面的
middle: 在中间的, 中央的
""")

CAMERA = rows("""
still: 静止, 一动不动
pan left: 往左转, 摇向左边
pan right: 往右转, 摇向右边
tilt up: 往上看, 抬起来, 升起来
tilt down: 往下看, 低下去, 降下来
zoom in: 放大, 拉近画面
zoom out: 缩小, 拉远画面
dolly in: 往前走, 向前移
dolly out: 往后走, 向后移
shake: 晃来晃去, 颤动
""")

STYLE = rows("""
3d render: 电脑动画, 立体动画
cartoon: 动画片, 平面画
pixel art: 像素游戏, 方块画
charcoal: 素描, 木炭画
1920s film: 老电影, 黑白电影, 无声电影
claymation: 泥塑动画, 橡皮泥动画
""")

FRAMES = (
    "想象{x}", "请看{x}", "一部电影：{x}", "画面中{x}", "请画{x}", "我想看{x}", "出现了{x}",
    "可以看到{x}", "生成{x}", "做一个视频，{x}",
)  # fmt: skip
"""Ways to begin; {x} is what is seen."""

CAMERA_SUBJECTS = ("相机", "画面", "摄影机", "摄像头", "视线")
CAMERA_LINKS = ("，", "；", "，而且", "，这时")
STYLE_LINKS = ("，画成{style}", "，像{style}一样", "，做成{style}", "，{style}的样子", "，看起来是{style}")
