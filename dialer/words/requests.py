"""What can be wrong with any request, in Chinese: the words of the checks by pydantic, and of the API's edge.

The places of a check's words are named as its error names them.
"""

from collections.abc import Mapping

CHINESE: Mapping[str, str] = {
    "{name:name}: {error:zh}": "{name}：{error}",
    "{first:zh}; {rest:zh}": "{first}；{rest}",
    "add this field": "请填写此项",
    "remove this field; it is not known here": "请去掉此项，接口不识别",
    "send valid JSON (UTF-8)": "请发送有效的 JSON（UTF-8）",
    "use one of the values named": "请使用所列值之一",
    "Field required": "必填",
    "Extra inputs are not permitted": "不允许的字段",
    "Invalid JSON: {error}": "JSON 无效：{error}",
    "Input should be an object": "应为对象",
    "Input should be a valid array": "应为数组",
    "Input should be greater than {gt}": "应大于 {gt}",
    "Input should be greater than or equal to {ge}": "应大于或等于 {ge}",
    "Input should be less than {lt}": "应小于 {lt}",
    "Input should be less than or equal to {le}": "应小于或等于 {le}",
    "Input should be a finite number": "应为有限的数字",
    "Tuple should have at least {least} items after validation, not {actual}": "至少需要 {least} 项，现有 {actual} 项",
    "Tuple should have at least {least} item after validation, not {actual}": "至少需要 {least} 项，现有 {actual} 项",
    "Tuple should have at most {most} items after validation, not {actual}": "至多 {most} 项，现有 {actual} 项",
    "Tuple should have at most {most} item after validation, not {actual}": "至多 {most} 项，现有 {actual} 项",
    "List should have at least {least} items after validation, not {actual}": "至少需要 {least} 项，现有 {actual} 项",
    "List should have at least {least} item after validation, not {actual}": "至少需要 {least} 项，现有 {actual} 项",
    "List should have at most {most} items after validation, not {actual}": "至多 {most} 项，现有 {actual} 项",
    "List should have at most {most} item after validation, not {actual}": "至多 {most} 项，现有 {actual} 项",
    "Dictionary should have at most {most} items after validation, not {actual}": "至多 {most} 项，现有 {actual} 项",
    "Dictionary should have at least {least} item after validation, not {actual}": (
        "至少需要 {least} 项，现有 {actual} 项"
    ),
    "Input should be a valid string": "应为文本",
    "String should have at least {least} characters": "至少 {least} 个字符",
    "String should have at least {least} character": "至少 {least} 个字符",
    "String should have at most {most} characters": "至多 {most} 个字符",
    "String should have at most {most} character": "至多 {most} 个字符",
    "String should match pattern '{pattern}'": "格式不符（{pattern}）",
    "Input should be {expected}": "应为 {expected}",
    "Input should be a valid boolean": "应为是或否",
    "Input should be a valid boolean, unable to interpret input": "应为是或否",
    "Input should be a valid integer": "应为整数",
    "Input should be a valid integer, unable to parse string as an integer": "应为整数",
    "Input should be a valid integer, got a number with a fractional part": "应为整数，不能带小数",
    "Unable to parse input string as an integer, exceeded maximum size": "整数过大",
    "Input should be a valid number": "应为数字",
    "Input should be a valid number, unable to parse string as a number": "应为数字",
    "Input should be a valid date": "应为日期",
    "Input should be a valid date in the format YYYY-MM-DD, {error}": "应为日期，格式为 YYYY-MM-DD",
    "Input should be a valid date or datetime, {error}": "应为日期或时间",
    "Input should be a valid time": "应为时刻",
    "Input should be in a valid time format, {error}": "时刻格式无效",
    "Input should be a valid datetime": "应为日期时间",
    "Input should be a valid datetime, {error}": "日期时间格式无效",
    "Input should be a valid datetime or date, {error}": "应为日期时间",
    "Input should have timezone info": "须带时区偏移",
    "Decimal input should be an integer, float, string or Decimal object": "应为数字",
    "Input should be a valid decimal": "应为数字",
    "Decimal input should have no more than {digits} digits in total": "总位数不能超过 {digits} 位",
    "Decimal input should have no more than {places} decimal places": "小数位不能超过 {places} 位",
    "Decimal input should have no more than {digits} digits before the decimal point": "整数位不能超过 {digits} 位",
    "Input tag '{tag}' found using {discriminator} does not match any of the expected tags: {expected}": (
        "{discriminator} 的值 {tag} 无效，应为：{expected}"
    ),
    "Unable to extract tag using discriminator {discriminator}": "缺少 {discriminator}",
    # ---- the edge
    "the year must lie between {first} and {last}": "年份须在 {first} 至 {last} 之间",
    "holds a NUL character": "含有空字符",
    "leave it out": "请去掉",
    "send the body as application/json": "请以 application/json 发送请求体",
    "send the body as one of: {types}": "请求体格式须为以下之一：{types}",
    "the body is larger than {most} bytes": "请求体超过 {most} 字节",
    "the file is larger than {most} bytes; split it": "文件超过 {most} 字节，请拆分",
    "the upload stopped half-way; send it again": "上传中断，请重新上传",
    "there is nothing at this path; /openapi.json lists what there is": "此路径不存在，/openapi.json 列出了全部接口",
    "this path does not know this method": "此路径不支持该方法",
    "is not after since": "须晚于开始时间",
    "write it like 2026-11-23T09:00:00+08:00": "请写成 2026-11-23T09:00:00+08:00",
    "needs a UTC offset; write it like 2026-11-23T09:00:00+08:00": "须带时区偏移，请写成 2026-11-23T09:00:00+08:00",
    "Idempotency-Key: 1 to {most} characters": "Idempotency-Key 长度须为 1 至 {most} 个字符",
    "this Idempotency-Key was used with another body or path; use a new key": (
        "此 Idempotency-Key 已用于其他请求，请换新的"
    ),
    "the first request with this Idempotency-Key is still under way; try again": (
        "使用此 Idempotency-Key 的首个请求仍在处理，请稍后重试"
    ),
    "the first request with this Idempotency-Key was interrupted on our side and may have taken effect; "
    "look whether it did, and use a new key if not": (
        "使用此 Idempotency-Key 的首个请求在服务端中断，可能已生效；请先核对，未生效再换新的重试"
    ),
    "this Idempotency-Key was used before, and its answer held what is shown once and never stored; "
    "if it was lost, read what was made, or revoke it, and make another with a new key": (
        "此 Idempotency-Key 已用过，其结果只显示一次且不保存；若已丢失，请查看或撤销已创建的内容，再换新的重试"
    ),
}
