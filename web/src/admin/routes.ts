import type { RouteRecordRaw } from "vue-router";
import { type Role, useSession } from "@/api/session";

const administers: readonly Role[] = ["administrator"];

export const routes: RouteRecordRaw[] = [
  { path: "", redirect: () => (useSession().role === "administrator" ? "/admin/users" : "/admin/audit") },
  {
    path: "users",
    component: () => import("./users/UsersPage.vue"),
    meta: { title: "admin.nav.users", nav: true, roles: administers },
  },
  { path: "log-ins", component: () => import("./users/LogInsPage.vue"), meta: { title: "admin.nav.logIns", nav: true } },
  { path: "roles", component: () => import("./users/RolesPage.vue"), meta: { title: "admin.nav.roles", nav: true } },
  {
    path: "tokens",
    component: () => import("./users/TokensPage.vue"),
    meta: { title: "admin.nav.tokens", nav: true, roles: administers },
  },
  {
    path: "trunks",
    component: () => import("./house/TrunksPage.vue"),
    meta: { title: "admin.nav.trunks", nav: true, roles: administers },
  },
  { path: "prompts", component: () => import("./prompts/PromptsPage.vue"), meta: { title: "admin.nav.prompts", nav: true } },
  { path: "packs", component: () => import("./house/PacksPage.vue"), meta: { title: "admin.nav.packs", nav: true } },
  {
    path: "retention",
    component: () => import("./retention/RetentionPage.vue"),
    meta: { title: "admin.nav.retention", nav: true },
  },
  {
    path: "retention/deletions/:id(\\d+)",
    component: () => import("./retention/DeletionPage.vue"),
    props: (route) => ({ id: Number(route.params.id) }),
    meta: { title: "admin.nav.deletion" },
  },
  { path: "audit", component: () => import("./audit/AuditPage.vue"), meta: { title: "admin.nav.audit", nav: true } },
  { path: "house", component: () => import("./house/HousePage.vue"), meta: { title: "admin.nav.house", nav: true } },
];
