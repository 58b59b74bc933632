import { describe, expect, it } from "vitest";
import { ApiProblem } from "@/api/client";
import type { Column, Imported, Preview, Wanted } from "@/supervisor/lists/importing";
import { importWizard } from "@/supervisor/lists/wizard";

const phone: Column = { header: "手机", target: "phone", field_name: "" };
const unused: Column = { header: "手机", target: "ignore", field_name: "" };
const name: Column = { header: "手机", target: "name", field_name: "" };

/** A service that answers when it is told to. */
function slow(): {
  previewFile: (file: File, wanted: Wanted) => Promise<Preview>;
  importFile: (file: File, wanted: Wanted, name: string, acceptValid: boolean) => Promise<Imported>;
  previews: { file: string; wanted: Wanted; answer: (more?: Partial<Preview>) => Promise<void>; fail: () => Promise<void> }[];
  imports: { file: string; wanted: Wanted; name: string; acceptValid: boolean }[];
} {
  const previews: ReturnType<typeof slow>["previews"] = [];
  const imports: ReturnType<typeof slow>["imports"] = [];
  const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve));
  return {
    previews,
    imports,
    previewFile: (file, wanted) =>
      new Promise((resolve, reject) => {
        previews.push({
          file: file.name,
          wanted,
          answer(more = {}) {
            resolve({ columns: wanted.columns ?? [phone], broken_rows: 0, rows: previews.length, ...more } as Preview);
            return settled();
          },
          fail() {
            reject(new ApiProblem({ detail: "no" }, 422));
            return settled();
          },
        });
      }),
    importFile(file, wanted, listName, acceptValid) {
      imports.push({ file: file.name, wanted, name: listName, acceptValid });
      return new Promise(() => undefined);
    },
  };
}

const csv = (fileName: string): File => new File(["x"], fileName);

describe("what is imported is what was looked at:", () => {
  it("another country has to be looked at first", async () => {
    const service = slow();
    const wizard = importWizard(service);
    wizard.choose(csv("a.csv"));
    void wizard.look();
    await service.previews[0]?.answer({ broken_rows: 3 });
    wizard.region.value = "HK";
    expect(wizard.preview.value).toBeNull();
    await wizard.take();
    expect(service.imports).toEqual([]);
    void wizard.look();
    await service.previews[1]?.answer();
    void wizard.take();
    expect(service.imports).toEqual([{ file: "a.csv", wanted: { region: "HK", columns: null }, name: "a", acceptValid: false }]);
  });

  it("another file is not shown with the rows of the first one", async () => {
    const service = slow();
    const wizard = importWizard(service);
    wizard.choose(csv("a.csv"));
    void wizard.look();
    wizard.choose(csv("b.csv"));
    expect(wizard.busy.value).toBe(false);
    void wizard.look();
    await service.previews[0]?.answer();
    expect([wizard.preview.value, wizard.busy.value]).toEqual([null, true]);
    await service.previews[1]?.answer({ rows: 20 });
    expect([wizard.preview.value?.rows, wizard.busy.value, wizard.name.value]).toEqual([20, false, "b"]);
  });

  it("the last change of a column counts, whichever answer comes last", async () => {
    const service = slow();
    const wizard = importWizard(service);
    wizard.choose(csv("a.csv"));
    void wizard.look();
    await service.previews[0]?.answer();
    wizard.columns.value = [unused];
    wizard.columns.value = [name];
    await service.previews[2]?.answer({ rows: 30 });
    await service.previews[1]?.answer({ rows: 20 });
    expect([wizard.preview.value?.rows, wizard.columns.value]).toEqual([30, [name]]);
    void wizard.take();
    expect(service.imports[0]?.wanted.columns).toEqual([name]);
  });

  it("a change that could not be looked at is taken back", async () => {
    const service = slow();
    const wizard = importWizard(service);
    wizard.choose(csv("a.csv"));
    void wizard.look();
    await service.previews[0]?.answer();
    wizard.columns.value = [unused];
    await service.previews[1]?.fail();
    expect([wizard.columns.value, wizard.problem.value?.message]).toEqual([[phone], "no"]);
  });

  it("nothing changes under an import", async () => {
    const service = slow();
    const wizard = importWizard(service);
    wizard.choose(csv("a.csv"));
    void wizard.look();
    await service.previews[0]?.answer();
    void wizard.take();
    void wizard.take();
    void wizard.look();
    expect([wizard.isImporting.value, service.imports.length, service.previews.length]).toEqual([true, 1, 1]);
  });
});
