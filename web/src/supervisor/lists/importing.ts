// A list's file on its way to the service: looked at first, then imported.
import { api, ask, type Schemas } from "@/api/client";

export type Preview = Schemas["PreviewOut"];
export type Imported = Schemas["ListImported"];
export type BrokenRow = Schemas["RowProblem"];
export type Column = Preview["columns"][number];
type Target = Column["target"];

/** The largest file takes a while to send and to read. */
const LIMIT_MS = 600_000;
const XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
const KINDS: Record<string, string> = { csv: "text/csv", xlsx: XLSX };
/** Columns that are fields of the case, with a name of their own. */
const FIELDS: readonly Target[] = ["region", "address", "text", "amount", "integer", "date"];

/** What the file is sent as; "" for what is no list. */
export function kindOf(file: { name: string }): string {
  return KINDS[file.name.split(".").pop()?.toLowerCase() ?? ""] ?? "";
}

export interface Wanted {
  region: string;
  /** What each column means; null: let the service guess. */
  columns: readonly Column[] | null;
}

export function previewFile(file: File, wanted: Wanted): Promise<Preview> {
  return ask(api.POST("/v1/lists/preview", { params: { query: { ...asQuery(wanted) } }, ...sent(file) }));
}

export function importFile(file: File, wanted: Wanted, name: string, acceptValid: boolean): Promise<Imported> {
  const query = { ...asQuery(wanted), name, accept_valid: acceptValid };
  return ask(api.POST("/v1/lists", { params: { query }, ...sent(file) }));
}

/** `{"手机": "phone", "额度": "amount:limit"}`, as the service takes it. */
export function asMapping(columns: readonly Column[]): Record<string, string> {
  const meaning = (column: Column): string =>
    FIELDS.includes(column.target) && column.field_name ? `${column.target}:${column.field_name}` : column.target;
  return Object.fromEntries(columns.map((column) => [column.header, meaning(column)]));
}

function asQuery(wanted: Wanted): { region: string; columns?: string } {
  const columns = wanted.columns === null ? {} : { columns: JSON.stringify(asMapping(wanted.columns)) };
  return { region: wanted.region, ...columns };
}

/** The file as the request's body; the document has no type for one. */
function sent(file: File): { body: never; bodySerializer: () => File; headers: Record<string, string>; fetch: typeof fetch } {
  return {
    body: file as never,
    bodySerializer: () => file,
    headers: { "Content-Type": kindOf(file) },
    fetch: (request) => fetch(request, { signal: AbortSignal.timeout(LIMIT_MS) }),
  };
}
