// A list's file on its way to the service, and what the service says of its rows.
import { api, ask, type FieldError, type Schemas } from "@/api/client";

export type Imported = Schemas["ListImported"];
export type BrokenRow = Schemas["RowProblem"];

/** The largest file takes a while to send and to read. */
const IMPORT_TIMEOUT_MS = 600_000;
const XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
const KINDS: Record<string, string> = { csv: "text/csv", xlsx: XLSX };

/** What the file is sent as; "" for what is no list. */
export function kindOf(file: { name: string }): string {
  return KINDS[file.name.split(".").pop()?.toLowerCase() ?? ""] ?? "";
}

export interface Wanted {
  name: string;
  region: string;
  acceptValid: boolean;
}

export function importFile(file: File, wanted: Wanted): Promise<Imported> {
  const query = { name: wanted.name, region: wanted.region, accept_valid: wanted.acceptValid };
  return ask(
    api.POST("/v1/lists", {
      params: { query },
      body: file as never, // the document says that the body is a file; its type has no name for one
      bodySerializer: (body: unknown) => body as File,
      headers: { "Content-Type": kindOf(file) },
      fetch: (request: Request) => fetch(request, { signal: AbortSignal.timeout(IMPORT_TIMEOUT_MS) }),
    }),
  );
}

/** Refused rows, as a refusal names them: field "row 7, phone", reason "… (masked)". */
export function brokenRows(errors: readonly FieldError[]): BrokenRow[] {
  return errors.flatMap((error) => {
    const place = /^row (\d+), (.*)$/.exec(error.field);
    if (!place) return [];
    const said = /^(.*) \(([^()]*)\)$/s.exec(error.reason);
    return [{ row: Number(place[1]), column: place[2] ?? "", reason: said?.[1] ?? error.reason, value_masked: said?.[2] ?? "" }];
  });
}

/** As a file for whoever has to mend the rows; a cell that a spreadsheet would take for a formula is quoted. */
export function asCsv(rows: readonly BrokenRow[]): string {
  const cell = (text: string | number): string => {
    const plain = String(text);
    const safe = /^[=+\-@\t\r]/.test(plain) ? `'${plain}` : plain;
    return `"${safe.replaceAll('"', '""')}"`;
  };
  const lines = [["row", "column", "value", "reason"], ...rows.map((row) => [row.row, row.column, row.value_masked, row.reason])];
  return `\uFEFF${lines.map((line) => line.map(cell).join(",")).join("\r\n")}\r\n`;
}
