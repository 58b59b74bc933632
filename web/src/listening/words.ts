// The words of listening in: who listens is told so in every area, so they belong to none.
import { addWords } from "@/i18n";
import en from "./locales/en";
import zh from "./locales/zh";

addWords("listening", en, zh);
