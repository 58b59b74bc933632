// Who may do what, as the API itself says it in its description.
import type { Role } from "@/api/session";

export const ROLES: readonly Role[] = ["collector", "supervisor", "qa", "auditor", "administrator", "integration"];

export interface Operation {
  id: string;
  method: string;
  path: string;
  summary: string;
  roles: ReadonlySet<Role>;
}

export interface Subject {
  tag: string;
  operations: Operation[];
}

/** Questions that are sent with POST, because what they ask for must stand in no address. */
const QUESTIONS: ReadonlySet<string> = new Set([
  "announcements.match",
  "deletions.dry_run",
  "do_not_call.check",
  "recordings.search",
  "why.ask",
]);

/** How much of a subject a role may do. */
export type Extent = "nothing" | "reads" | "changes" | "everything";

interface Described {
  operationId?: string;
  summary?: string;
  tags?: string[];
  "x-roles"?: Role[];
}
type Paths = Record<string, Record<string, Described>>;

/** The operations that need a role, by subject, in the order of the API's description. */
export function subjectsOf(document: unknown): Subject[] {
  const { paths = {} } = document as { paths?: Paths };
  const found = new Map<string, Subject>();
  for (const [path, methods] of Object.entries(paths)) {
    for (const [method, described] of Object.entries(methods)) {
      if (!described["x-roles"]) continue;
      const tag = described.tags?.[0] ?? "";
      const subject = found.get(tag) ?? { tag, operations: [] };
      found.set(tag, subject);
      subject.operations.push({
        id: described.operationId ?? `${method} ${path}`,
        method: method.toUpperCase(),
        path,
        summary: described.summary ?? "",
        roles: new Set(described["x-roles"]),
      });
    }
  }
  return [...found.values()];
}

export function extentOf(subject: Subject, role: Role): Extent {
  const allowed = subject.operations.filter((operation) => operation.roles.has(role));
  if (allowed.length === 0) return "nothing";
  if (allowed.length === subject.operations.length) return "everything";
  return allowed.every((operation) => operation.method === "GET" || QUESTIONS.has(operation.id)) ? "reads" : "changes";
}
