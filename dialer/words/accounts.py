"""Logging in, accounts, sessions and tokens, in Chinese."""

from collections.abc import Mapping

CHINESE: Mapping[str, str] = {
    "log-in or password is wrong": "用户名或密码错误",
    "too many wrong log-ins or tokens; wait": "登录失败或令牌错误次数过多，请稍后再试",
    "the session is over; log in again at POST /v1/session": "登录已过期，请重新登录",
    "send a valid token: Authorization: Bearer <token>; an administrator makes one": (
        "请提供有效的访问令牌（Authorization: Bearer <token>），令牌由管理员创建"
    ),
    "the role {mine} may not do this; it takes one of: {allowed}": (
        "{mine} 角色无权执行此操作，需要以下角色之一：{allowed}"
    ),
    "send the csrf value of GET /v1/session as {header}": "请在 {header} 中附上 GET /v1/session 返回的 csrf 值",
    "{max_open} of these are open already": "已打开 {max_open} 个连接，达到上限",
    "this is a token, not a session": "当前使用的是访问令牌，不是登录会话",
    "is not the present password": "与当前密码不符",
    "an administrator can set a new one": "管理员可以重设密码",
    "this is your own account; ask another administrator": "不能对自己的账号执行此操作，请由其他管理员操作",
    "there is no such account": "没有该账号",
    "there is no such valid token": "没有该有效令牌",
    "there is no such active account": "没有该有效账号",
    "there is no such open session": "没有该登录会话",
    "there is no such account that an OpenID provider knows": "没有已关联身份提供方的该账号",
    "there is no such OpenID provider": "没有该身份提供方",
    "list them at /v1/users": "可在 /v1/users 查看全部账号",
    "sip_user and sip_password belong together": "话机用户名与话机密码必须同时填写",
    "a new phone needs sip_user and sip_password": "新话机需要填写用户名和密码",
    "give either account_id or role": "账号与角色只能填写其一",
    "expires_at needs a UTC offset": "到期时间须带时区偏移",
    "since and until need a UTC offset": "起止时间须带时区偏移",
    "the log-in {login} or its phone's user name is taken, or the e-mail": "用户名 {login}、其话机用户名或邮箱已被占用",
    "the e-mail address or the phone's user name is taken": "邮箱或话机用户名已被占用",
    "this identity is that of another account": "该身份已关联其他账号",
    "nobody moves themselves; ask an administrator": "不能调动自己，请联系管理员",
    "supervisors move collectors; ask an administrator": "主管只能调动催收员，请联系管理员",
    "this collector is in another team than you; ask an administrator": "该催收员属于其他团队，请联系管理员",
    "this is done by a person: log in, or use a token of an account": "此操作须由个人执行：请登录，或使用账号的令牌",
}
