"""Lists and their import, row by row, and numbers, in Chinese."""

from collections.abc import Mapping

CHINESE: Mapping[str, str] = {
    "there is no such list": "没有该名单",
    "there is no such report any more; preview the file again": "该预检报告已失效，请重新预检文件",
    "list {list_id} is used by the campaign {user}; it cannot be deleted": (
        "名单 {list_id} 正被活动 {user} 使用，不能删除"
    ),
    "{broken} of {rows} rows are broken and nothing was imported; correct them, or import the others with "
    "accept_valid=true": "{rows} 行中有 {broken} 行有错，未导入任何数据；请更正，或选择仅导入正确的行",
    "is not a JSON object of texts": "不是有效的列映射",
    'write it like {{"手机": "phone", "案件号": "case_ref"}}': '请写成 {{"手机": "phone", "案件号": "case_ref"}}',
    "{reason:zh} ({value})": "{reason}（{value}）",
    "the first row holds a phone number: it must hold the names of the columns": "首行含有电话号码：首行应为各列的名称",
    # ---- a row
    "the row has {cells} cells, the header only {columns}": "该行有 {cells} 个单元格，表头只有 {columns} 列",
    "the case reference is missing": "缺少案件编号",
    "there is no phone number": "没有电话号码",
    "more than {most} phone numbers": "电话号码超过 {most} 个",
    "no such time zone; write an IANA name such as Asia/Shanghai": "没有该时区，请填写如 Asia/Shanghai",
    "it holds control characters": "含有控制字符",
    "no region by that name; write its ISO 3166 code such as US-MA": "没有该地区，请填写 ISO 3166 代码，如 US-MA",
    "a spreadsheet shortened the figure; format the column as a number with two decimals": (
        "表格软件缩写了该数字，请将该列格式设为两位小数"
    ),
    "not an amount of money": "不是金额",
    "not a whole number": "不是整数",
    "not a date; write it as 2026-11-23": "不是日期，请写成 2026-11-23",
    "no such day in the calendar": "没有这一天",
    # ---- a number
    "too short": "号码过短",
    "too long": "号码过长",
    "the area code is missing": "缺少区号",
    "the country code does not exist": "国家代码不存在",
    "no number has this many digits": "号码位数不正确",
    "no such number is in use": "没有此号码",
    "no such mobile number is in use": "没有此手机号段",
    "a mobile number has 11 digits, this {digits}": "手机号应为 11 位，此处为 {digits} 位",
    "a spreadsheet made it a figure and digits may be lost; format the column as text": (
        "表格软件已将其转为数字，可能丢失位数；请将该列格式设为文本"
    ),
    "it holds characters that are no digits": "含有非数字字符",
    "is not a phone number": "不是电话号码",
    "write it with its country code, like +86 138…": "请带国家代码填写，如 +86 138…",
    # ---- columns and files
    "the list has no column {missing}; its columns are: {headers}": "名单没有列 {missing}；现有列：{headers}",
    "no column holds case references; name one as case_ref in the mapping (columns: {headers})": (
        "没有案件编号列，请在映射中指定 case_ref（现有列：{headers}）"
    ),
    "no column holds phone numbers; name one as phone in the mapping (columns: {headers})": (
        "没有电话号码列，请在映射中指定 phone（现有列：{headers}）"
    ),
    "column {header}: {name} is no meaning of a column; write one of: {known}": (
        "列 {header}：{name} 不是有效的列含义，可用：{known}"
    ),
    "two columns hold the {target}; say which one in the mapping (columns: {headers})": (
        "有两列都是 {target}，请在映射中指定其一（现有列：{headers}）"
    ),
    "the process that reads the list failed: {reason}": "读取名单的进程失败：{reason}",
    "the process that reads the list did not start": "读取名单的进程未能启动",
    "reading the list made no progress for {seconds} s": "读取名单已 {seconds} 秒没有进展",
    "the process that reads the list was ended": "读取名单的进程已被终止",
    "the rows of the list are too long; leave out columns that are not needed": "名单的行过长，请删去不需要的列",
    "{name}: neither UTF-8 nor GB18030; save the list as CSV (UTF-8)": (
        "{name}：编码既非 UTF-8 也非 GB18030，请另存为 CSV（UTF-8）"
    ),
    "{name}: the first row is empty; it must hold the names of the columns": "{name}：首行为空，首行必须是列名",
    "{path}: cannot read the list: {error}": "{path}：无法读取名单：{error}",
    "{name}: has a password or is an old .xls; save it as XLSX without a password": (
        "{name}：带密码或为旧版 .xls，请另存为无密码的 XLSX"
    ),
    "{name}: column {position} has no name in the first row": "{name}：第 {position} 列在首行没有列名",
    "{name}: two columns are named {column}": "{name}：有两列同名 {column}",
    "{name}: the old .xls format is not read; save it as .xlsx or CSV": (
        "{name}：不支持旧版 .xls，请另存为 .xlsx 或 CSV"
    ),
    "{name}: the header is not readable as CSV: {error}": "{name}：表头无法按 CSV 读取：{error}",
    "row {number}: not readable as CSV: {error}": "第 {number} 行：无法按 CSV 读取：{error}",
    "row {number}: the workbook {error:zh}": "第 {number} 行：工作簿{error}",
    "{name}: not a text file; save the list as CSV (UTF-8) or XLSX": (
        "{name}：不是文本文件，请另存为 CSV（UTF-8）或 XLSX"
    ),
    "{path}: cannot write the report of broken rows: {error}": "{path}：无法写入错误行报告：{error}",
    "unpacks to more than {most} MB; save the list as CSV": "解压后超过 {most} MB，请另存为 CSV",
    "is protected by a password; save it without one": "有密码保护，请去掉密码后保存",
    "has a cell of more than {most} characters": "有单元格超过 {most} 个字符",
    "holds more than {most} MB of text; save the list as CSV": "文本超过 {most} MB，请另存为 CSV",
    "declares a document type, which no spreadsheet does; save it again as XLSX or CSV": (
        "含有表格文件不应有的文档类型声明，请重新另存为 XLSX 或 CSV"
    ),
    "is damaged or no XLSX workbook; save it again as XLSX or CSV": (
        "已损坏或不是 XLSX 工作簿，请重新另存为 XLSX 或 CSV"
    ),
    "has no visible sheet": "没有可见的工作表",
    "holds more than {most} MB of styles; save the list as CSV": "样式超过 {most} MB，请另存为 CSV",
    # ---- do not call
    "there is no such listed entry": "名单中没有该条目",
    "give either number or person_ref": "号码与当事人编号只能填写其一",
}
