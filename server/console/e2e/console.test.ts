/** The console in a real browser, against the real program serving the demo estate. */

import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { resolve } from "node:path";
import { createInterface } from "node:readline";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";

const root = resolve(import.meta.dirname, "../../..");
const target = process.env.CARGO_TARGET_DIR ?? resolve(root, "target");
const program =
  process.env.FOOTHOLD_BIN ??
  [resolve(target, "release/foothold"), resolve(target, "debug/foothold")].find(existsSync);
const browserPath = [
  process.env.CHROMIUM,
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
].find((path) => path && existsSync(path));
const shots = resolve(target, "screenshots");

let server: ChildProcess;
let browser: Browser;
let page: Page;
let url: string;
const complaints: string[] = [];

/** Starts `foothold demo` on a free port and waits for the address it prints. */
function startServer(path: string): Promise<string> {
  server = spawn(path, ["demo", "--listen", "127.0.0.1:0"], { cwd: root });
  return new Promise((done, fail) => {
    for (const stream of [server.stdout, server.stderr]) {
      if (!stream) continue;
      createInterface({ input: stream }).on("line", (line) => {
        const found = /http:\/\/127\.0\.0\.1:\d+/.exec(line);
        if (found) done(found[0]);
      });
    }
    server.on("exit", (code) => fail(new Error(`foothold demo ended with ${code}`)));
  });
}

beforeAll(async () => {
  if (!program) throw new Error("build the program first: cargo build");
  if (!browserPath) throw new Error("no Chromium found: run .ci/setup");
  mkdirSync(shots, { recursive: true });
  url = await startServer(program);
  browser = await chromium.launch({
    executablePath: browserPath,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}, 120_000);

afterAll(async () => {
  await browser?.close();
  server?.kill();
});

beforeEach(async () => {
  complaints.length = 0;
  page = await browser.newPage({ viewport: { width: 1440, height: 900 }, colorScheme: "dark" });
  page.on("console", (message) => {
    if (message.type() === "error") complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("request", (request) => {
    if (!request.url().startsWith(url)) complaints.push(`left the origin: ${request.url()}`);
  });
});

/** Replaces the query and runs it from the keyboard. */
async function ask(query: string): Promise<void> {
  await page.locator(".cm-content").click();
  await page.keyboard.press("Control+a");
  await page.keyboard.insertText(query);
  await page.keyboard.press("Control+Enter");
}

describe("the console", () => {
  it("draws the demo's attack paths from left to right", async () => {
    await page.goto(url);
    await page.locator(".story").first().waitFor();
    expect(await page.locator(".story").count()).toBeGreaterThanOrEqual(5);
    const entry = await page.locator(".scene .node.entry").first().boundingBox();
    const goal = await page.locator(".scene .node.target").first().boundingBox();
    expect(entry?.x).toBeLessThan(goal?.x ?? 0);
    await page.screenshot({ path: resolve(shots, "paths.png") });
    expect(complaints).toEqual([]);
  }, 60_000);

  it("shows a step's evidence, technique and fix", async () => {
    await page.goto(url);
    await page.locator(".story").first().click();
    await page.locator(".scene .edge:not(.dim)").last().focus();
    await page.keyboard.press("Enter");
    const panel = page.locator(".panel");
    await panel.waitFor();
    expect(await panel.locator(".chip").first().textContent()).toMatch(/^T\d{4}|^AML/);
    expect(await panel.locator(".evidence li").count()).toBeGreaterThan(0);
    await page.screenshot({ path: resolve(shots, "step.png") });
  }, 60_000);

  it("answers a query as a table and puts it into the link", async () => {
    await page.goto(url);
    await page.locator(".cm-content").waitFor();
    await ask("MATCH (w:Workload) RETURN w.name AS workload ORDER BY workload LIMIT 3");
    await page.locator("table.rows tbody tr").nth(2).waitFor();
    expect(await page.locator("table.rows tbody tr").count()).toBe(3);
    expect(decodeURIComponent(page.url())).toContain("MATCH");
  }, 60_000);

  it("says what is wrong with a query and where", async () => {
    await page.goto(url);
    await page.locator(".cm-content").waitFor();
    await ask("MATCH (w:Workload RETURN w");
    const alert = page.getByRole("alert");
    await alert.waitFor();
    expect(await alert.textContent()).toMatch(/1:\d+/);
  }, 60_000);

  it("completes names of the graph that is served, while its first answer is still drawn", async () => {
    await page.goto(url);
    const editor = page.locator(".cm-content");
    const offered = page.locator(".cm-tooltip-autocomplete li");
    const accept = async (name: string) => {
      await offered.filter({ hasText: name }).first().waitFor();
      // The editor takes no answer to a list that has only just opened.
      await page.waitForTimeout(200);
      await page.keyboard.press("Enter");
    };
    await editor.click();
    await page.keyboard.press("Control+a");
    // Typed over a selection, Chromium would give the text its style inline, which the page forbids.
    await page.keyboard.press("Delete");
    await page.keyboard.type("MATCH (w:Worklo");
    await accept("Workload");
    await page.keyboard.type(") WHERE w.capabilities_a");
    await accept("capabilities_added");
    expect(await editor.textContent()).toBe("MATCH (w:Workload) WHERE w.capabilities_added");
    expect(complaints).toEqual([]);
  }, 60_000);

  it("warns about a label that nothing has, with the nearest name", async () => {
    await page.goto(url);
    await page.locator(".cm-content").waitFor();
    await ask("MATCH (w:Workloads) RETURN w");
    await page.locator(".notice.warn").first().waitFor();
    expect(await page.locator(".notice.warn").first().textContent()).toContain("Workload");
  }, 60_000);
});
