"""What can be wrong with a recording and its ledger, what it means and what to do, in Chinese."""

from collections.abc import Mapping

CHINESE: Mapping[str, str] = {
    # ---- what it means
    "an entry's content was replaced or damaged": "某条目的内容已被替换或损坏",
    "the ledger in the database is not what the node wrote": "数据库中的账本与节点所写不符",
    "{what:zh}: this entry was changed afterwards": "{what}：该条目事后被改动",
    "{what:zh}: entries around this place were exchanged": "{what}：此处前后的条目被调换",
    "{what:zh}: entries were removed": "{what}：有条目被删除",
    "{what:zh}: an entry was put in": "{what}：被插入了一个条目",
    "{what:zh}: entries changed places": "{what}：条目的位置被交换",
    "the newest entries were removed, or an old backup was put back": "最新的条目被删除，或恢复了旧备份",
    "the chain was made anew after this head was signed or noted": "此链头签名或记录之后，整条链被重新生成",
    "this head was not signed by the key it names, or was changed afterwards": (
        "此链头并非由其所写的密钥签名，或事后被改动"
    ),
    "someone signed with another key: the node's key was changed, or the chain was made anew by someone else": (
        "使用了另一把密钥签名：节点的密钥已更换，或有人重新生成了整条链"
    ),
    "signatures were removed, or the node ended without its last signature and has not run since": (
        "签名被删除，或节点停止前未完成最后一次签名且此后未再运行"
    ),
    "the time stamp was exchanged or is of an authority that is not trusted here; the signature stands by itself": (
        "时间戳被替换，或其签发机构在此不受信任；签名本身不受影响"
    ),
    "the proofs of calls were changed, removed or made anew after this entry": (
        "此条目之后，呼叫存证被改动、删除或重新生成"
    ),
    "the recording's row was changed after it was entered in the ledger": "录音记入账本之后，其数据库记录被改动",
    "the recording was removed from the database without a deletion on record": "录音已从数据库中移除，但没有删除记录",
    "the recording was put into the database past the ledger, or its entry removed": (
        "录音绕过账本写入数据库，或其条目被删除"
    ),
    "a deletion and its record do not agree: one of them was made by hand": "删除与其记录不一致：其中之一是手工所为",
    "the recording cannot be opened any more, though nobody deleted it": "录音未经删除却已无法打开",
    "a deleted recording can still be opened": "已删除的录音仍可打开",
    "the recording's object was removed from the store": "录音文件已从存储中移除",
    "the recording's object was changed or exchanged for another": "录音文件被改动或被替换",
    "the recording was put on record once more with other audio: a spool that is not the call's was left for it": (
        "录音以不同的音频再次入账：有人放入了不属于该通话的缓存文件"
    ),
    "someone put it there, or a recording is stored whose row the database has not taken yet": (
        "有人放入了该文件，或录音已存储而数据库尚未记录"
    ),
    # ---- what to do
    (
        "keep the database as it is, compare it with backups and with heads noted elsewhere, and find out who wrote "
        "to it"
    ): ("请保持数据库原状，与备份及在别处记录的链头比对，并查明谁写入过数据库"),
    "restore the object from a copy of the store and check again; keep the damaged one": (
        "请用存储的副本恢复该文件并重新核验，同时保留损坏的文件"
    ),
    "if the house changed the key then, give the old and the new public key with --key; if not, treat it as forged": (
        "如果本机构当时更换过密钥，请用 --key 同时给出新旧公钥；否则应视为伪造"
    ),
    "start the node, which signs what follows on its last signature and refuses what does not; then check again": (
        "请启动节点：它会为接续上次签名的条目签名，并拒绝不接续的条目；然后重新核验"
    ),
    "compare evidence.tsa_certificate with the authority's; ask the authority about the stamp": (
        "请将 evidence.tsa_certificate 与签发机构的证书比对，并向该机构查询此时间戳"
    ),
    "run `dialer proof verify`": "请运行 `dialer proof verify`",
    "believe the entry; find out who wrote to the database": "以账本条目为准，并查明谁写入过数据库",
    "look for the deletion in the audit log; restore the row or the key from a backup": (
        "请在审计日志中查找该次删除，并从备份恢复记录或密钥"
    ),
    "put the key-encryption key back (recordings.old_keys), or the row of the key from a backup": (
        "请恢复密钥加密密钥（recordings.old_keys），或从备份恢复该密钥的记录"
    ),
    "run the deletion again; look for backups of its key": "请重新执行删除，并查找其密钥的备份",
    "take the audio of the first entry from a copy of the store, and find out who could write to the spool": (
        "请从存储的副本取回第一个条目的音频，并查明谁能写入缓存目录"
    ),
    "if the node runs and its log shows no waiting recording, move the object away and find out who wrote it": (
        "如果节点正在运行且日志中没有等待入库的录音，请移走该文件并查明来源"
    ),
    # ---- the row and the key
    "the recording is in the database, but the ledger has no entry of it": "录音在数据库中，但账本没有它的条目",
    "by entry {chain}:{sequence} its SHA-256 is {said}, by the first one {first}": (
        "条目 {chain}:{sequence} 记载其 SHA-256 为 {said}，而第一个条目为 {first}"
    ),
    "{names} in the recording's row: not as entry {chain}:{sequence} says": (
        "录音记录中的 {names} 与条目 {chain}:{sequence} 不符"
    ),
    "the row says deleted, but the ledger has no tombstone": "记录显示已删除，但账本中没有删除凭证",
    "the ledger has a tombstone, but the row says {state}": "账本中有删除凭证，但记录的状态是 {state}",
    "tombstone {chain}:{sequence} is of other audio than the recording's entry": (
        "删除凭证 {chain}:{sequence} 与录音条目不是同一音频"
    ),
    "the recording is deleted, but its key is still there": "录音已删除，但其密钥仍在",
    "there is no key on record that opens the recording": "没有能打开该录音的密钥记录",
    # ---- the objects
    "the store has no {name}": "存储中没有 {name}",
    "{name} in the store has {n} bytes with the SHA-256 {digest}: not what was stored": (
        "存储中的 {name} 有 {n} 字节，SHA-256 为 {digest}，与当初存入的不符"
    ),
    "what {name} holds has the SHA-256 {digest}: not what was recorded": (
        "{name} 的内容的 SHA-256 为 {digest}，与当初录制的不符"
    ),
    "{object}: chunk 0: {n} bytes are no sealed object; it was cut": (
        "{object}：只有 {n} 字节，不是完整的加密文件，已被截断"
    ),
    "{object}: chunk 0: the header is not a sealed object's; it was altered": (
        "{object}：文件头不是加密文件的，已被改动"
    ),
    (
        "{object}: chunk 0: sealed by version {version} in chunks of {size} bytes; this program reads version {known} "
        "in chunks of {known_size}"
    ): "{object}：由第 {version} 版以 {size} 字节分块加密，本程序只读第 {known} 版、{known_size} 字节分块",
    (
        "{object}: chunk {index} of {n} does not open: the object was altered, cut or exchanged since it was sealed; "
        "restore it from a copy of the store"
    ): "{object}：第 {index} 块（共 {n} 块）无法打开，文件在加密之后被改动、截断或替换，请用存储的副本恢复",
    (
        "recording {recording}: its key is wrapped by the key-encryption key {key}, which is not here; add that key to "
        "recordings.old_keys, from the backup of your keys"
    ): "录音 {recording}：其密钥由密钥加密密钥 {key} 封装，而该密钥不在此处，请从密钥备份将它加入 recordings.old_keys",
    # ---- the chain
    "not the statement of a head": "不是链头声明",
    "not the statement of a head as this program writes it": "不是本程序所写格式的链头声明",
    "its content is not an entry of this program": "其内容不是本程序的条目",
    "here stands what was made as entry {chain}:{sequence}": "此处是原为 {chain}:{sequence} 的条目",
    "kind, subject or time in its row are not those of its content": "其记录中的类型、对象或时间与内容不符",
    "{run:zh} missing": "缺少{run}",
    "entry {first} is": "条目 {first}",
    "entries {first} to {last} are": "条目 {first} 至 {last}",
    "entry {only:name}": "条目 {only}",
    "entries {first:name} to {last:name}": "条目 {first} 至 {last}",
    "entries {first} to {last} are not signed, the first is of {at}": (
        "条目 {first} 至 {last} 没有签名，其中第一个的时间为 {at}"
    ),
    "a second entry in this place": "此处有第二个条目",
    "it stands after entry {last}, where it does not belong": "它位于条目 {last} 之后，不属于该处",
    "its content, after the entry before it, does not give its hash: one of the two was changed": (
        "其内容接在前一条目之后算不出其哈希：两者之一被改动"
    ),
    "the note": "外部记录",
    "the head signed at {at}": "签名于 {at} 的链头",
    "by {who:zh} the hash here is {wanted}, but it is {found}": "按{who}，此处的哈希应为 {wanted}，实为 {found}",
    "the signature is not one of key {key} over this statement": "该签名不是密钥 {key} 对此声明的签名",
    "signed by key {key}, but the chain names {named:zh} for this place": (
        "由密钥 {key} 签名，但链在此处指定的是{named}"
    ),
    "key {key:name}": "密钥 {key}",
    "no key": "无密钥",
    "the public key it names does not give the key's id": "其所写的公钥与密钥编号不符",
    "the ledger's list of heads knows no such chain": "账本的链头列表中没有该链",
    "it ends at entry {last}, but its head is entry {head}": "它止于条目 {last}，但其链头是条目 {head}",
    "by the ledger's list of heads the hash here is {wanted}": "按账本的链头列表，此处的哈希应为 {wanted}",
    "{who:zh} is entry {sequence}, but the chain ends at entry {last}": "{who}为条目 {sequence}，但链止于条目 {last}",
    "the heads of {run:zh} are signed by key {key}, which is not a trusted one": (
        "{run}的链头由密钥 {key} 签名，而该密钥不受信任"
    ),
    # ---- the time stamp
    "the time stamp does not hold: {reason}": "时间戳不成立：{reason}",
    "what the authority answered is not a time stamp": "签发机构的应答不是时间戳",
}
