import { describe, expect, it } from "vitest";
import { extentOf, subjectsOf } from "../src/admin/users/roles";
import { newPassword } from "../src/admin/users/passwords";
import { typeOf } from "../src/admin/prompts/upload";
import en from "../src/admin/locales/en";
import zh from "../src/admin/locales/zh";

function keysOf(words: object, path = ""): string[] {
  return Object.entries(words).flatMap(([key, value]) => (typeof value === "object" ? keysOf(value, `${path}${key}.`) : [`${path}${key}`]));
}

describe("the words of the administration", () => {
  it("are there in both languages", () => {
    expect(keysOf(zh).sort()).toEqual(keysOf(en).sort());
  });
});

describe("who may do what", () => {
  const document = {
    paths: {
      "/v1/things": {
        get: { operationId: "things.list", tags: ["things"], "x-roles": ["qa", "auditor", "administrator"] },
        post: { operationId: "things.create", tags: ["things"], "x-roles": ["administrator", "qa"] },
      },
      "/v1/things/{id}": { delete: { operationId: "things.remove", tags: ["things"], "x-roles": ["administrator"] } },
      "/v1/search": { post: { operationId: "recordings.search", tags: ["search"], "x-roles": ["auditor"] } },
      "/v1/more": { post: { operationId: "more.change", tags: ["search"], "x-roles": ["qa"] } },
      "/healthz": { get: { operationId: "system.health", tags: ["system"] } },
    },
  };
  const [things, search] = subjectsOf(document);

  it("is told by subject, from what the API says of itself", () => {
    expect(subjectsOf(document).map((subject) => subject.tag)).toEqual(["things", "search"]);
    expect(things?.operations.map((operation) => operation.id)).toEqual(["things.list", "things.create", "things.remove"]);
  });

  it.each([
    ["collector", "nothing"],
    ["auditor", "reads"],
    ["qa", "changes"],
    ["administrator", "everything"],
  ] as const)("%s: %s", (role, extent) => {
    expect(things && extentOf(things, role)).toBe(extent);
  });

  it("takes a question that is sent with POST for reading", () => {
    expect(search && extentOf(search, "auditor")).toBe("reads");
    expect(search && extentOf(search, "qa")).toBe("changes");
  });
});

describe("a made password", () => {
  it("can be read out, and is another one each time", () => {
    const made = Array.from({ length: 50 }, newPassword);
    expect(new Set(made).size).toBe(50);
    for (const password of made) expect(password).toMatch(/^[a-km-np-z2-9]{4}(-[a-km-np-z2-9]{4}){3}$/);
  });
});

describe("a recording", () => {
  it.each([
    ["a.WAV", "audio/wav"],
    ["b.c.flac", "audio/flac"],
    ["d.opus", "audio/ogg"],
    ["e.mp3", undefined],
    ["noend", undefined],
  ])("%s is sent as %s", (name, type) => {
    expect(typeOf(new File([], name))).toBe(type);
  });
});
