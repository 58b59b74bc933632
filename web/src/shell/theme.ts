// Light, dark, or as the machine has it.
import { ref, watch } from "vue";

export type Theme = "auto" | "light" | "dark";
const KEPT = "theme";
const machine = window.matchMedia("(prefers-color-scheme: dark)");

function initial(): Theme {
  const kept = localStorage.getItem(KEPT);
  return kept === "light" || kept === "dark" ? kept : "auto";
}

export const theme = ref<Theme>(initial());
/** Whether dark is shown now; what draws by itself (charts) watches it. */
export const isDark = ref(false);

function apply(): void {
  isDark.value = theme.value === "dark" || (theme.value === "auto" && machine.matches);
  document.documentElement.classList.toggle("dark", isDark.value);
}

watch(theme, (chosen) => {
  localStorage.setItem(KEPT, chosen);
  apply();
});
machine.addEventListener("change", apply);
apply();
