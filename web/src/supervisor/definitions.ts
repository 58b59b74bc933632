// What every figure means, asked once: its name, and the words shown on hover.
import { shallowRef } from "vue";
import { api, ask, type Schemas } from "@/api/client";
import { language } from "@/i18n";

type Definition = Schemas["DefinitionOut"];
type Words = Schemas["Bilingual"];

const known = shallowRef<ReadonlyMap<string, Definition>>(new Map());
let asking = false;

async function load(): Promise<void> {
  if (asking || known.value.size > 0) return;
  asking = true;
  try {
    const found = await ask(api.GET("/v1/definitions"));
    known.value = new Map(found.items.map((item) => [item.key, item]));
  } finally {
    asking = false;
  }
}

/** Both languages came; this is the one that is read. */
export function inLanguage(words: Words | null | undefined): string {
  return words ? words[language.value] || words.en : "";
}

export interface Definitions {
  name: (key: string) => string;
  meaning: (key: string) => string;
}

/** The names and meanings of figures; the keys themselves until they have come. */
export function useDefinitions(): Definitions {
  load().catch(() => undefined); // a page without explanations still shows its figures
  const name = (key: string): string => inLanguage(known.value.get(key)?.name) || key;
  const meaning = (key: string): string => {
    const found = known.value.get(key);
    if (!found) return "";
    const ratio = found.numerator ? `${name(found.numerator)} ÷ ${name(found.denominator)}` : "";
    return [ratio, inLanguage(found.means)].filter(Boolean).join("\n");
  };
  return { name, meaning };
}
