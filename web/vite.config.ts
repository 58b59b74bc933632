import { fileURLToPath, URL } from "node:url";
import vue from "@vitejs/plugin-vue";
import Components from "unplugin-vue-components/vite";
import { ElementPlusResolver } from "unplugin-vue-components/resolvers";
import { defineConfig } from "vitest/config";

// The service replaces this in the page with a fresh value for every request (Content-Security-Policy, nonce-source).
const NONCE = "__NONCE__";

export default defineConfig({
  base: "/",
  html: { cspNonce: NONCE },
  plugins: [
    vue(),
    Components({ dirs: [], dts: "components.d.ts", resolvers: [ElementPlusResolver({ importStyle: "css" })] }),
  ],
  resolve: { alias: { "@": fileURLToPath(new URL("./src", import.meta.url)) } },
  build: {
    outDir: "../dialer/api/pages",
    emptyOutDir: true,
    assetsInlineLimit: 0, // an inlined picture or font would be a data: address
    target: "es2022",
    chunkSizeWarningLimit: 700,
  },
  server: { proxy: { "/v1": { target: "http://127.0.0.1:8080", ws: true } } },
  test: { environment: "jsdom", include: ["tests/**/*.test.ts"] },
});
