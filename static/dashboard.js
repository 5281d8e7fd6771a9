/* What pages do in the browser beyond htmx: theme, time zone, relative times, copying, and the manners of polling.
   Every page works without it. It knows no replication: pages tell it what to say by data attributes. */
"use strict";

(() => {
  const root = document.documentElement;
  const language = root.lang || "en";
  root.classList.add("js");

  const remember = (name, value) => {
    const secure = location.protocol === "https:" ? "; Secure" : "";
    document.cookie = `${name}=${encodeURIComponent(value)}; Path=/; Max-Age=31536000; SameSite=Lax${secure}`;
  };
  const clock = () => new Date().toLocaleTimeString(language, { hour: "2-digit", minute: "2-digit", second: "2-digit" });

  // The server renders times in this zone from the next page on.
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (zone && !document.cookie.includes(`timezone=${encodeURIComponent(zone)}`)) remember("timezone", zone);

  // What is said goes to regions that were there when the page was loaded: politely, or at once for failures and the unclear.
  const say = (region, text) => {
    const place = document.getElementById(region);
    place.textContent = "";
    setTimeout(() => { place.textContent = text; }, 50);
  };
  // News that follow each other within five seconds are told as one: the newest.
  const BATCH = 5000;
  let toldAt = -BATCH;
  let toTell = 0;
  const announce = (text) => {
    clearTimeout(toTell);
    toTell = setTimeout(() => {
      toldAt = performance.now();
      say("announcer", text);
    }, Math.max(0, toldAt + BATCH - performance.now()));
  };

  // Theme

  const setTheme = (button) => {
    const theme = button.dataset.setTheme;
    remember("theme", theme);
    // For whoever is signed in, the server remembers it as well; where that fails, this browser still does.
    const answers = new FormData(button.form);
    answers.set("theme", theme);
    fetch(button.form.action, { method: "POST", body: answers, redirect: "manual" }).catch(() => {});
    root.dataset.theme = theme;
    if (theme === "auto") delete root.dataset.bsTheme;
    else root.dataset.bsTheme = theme;
    for (const other of document.querySelectorAll("[data-set-theme]")) {
      other.setAttribute("aria-pressed", String(other === button));
    }
  };

  // Relative times

  const relative = new Intl.RelativeTimeFormat(language, { numeric: "always" });
  const now = new Intl.RelativeTimeFormat(language, { numeric: "auto" }).format(0, "second");
  const inWords = (moment) => {
    const minutes = Math.trunc((moment - Date.now()) / 60000);
    if (minutes === 0) return now;
    if (Math.abs(minutes) < 60) return relative.format(minutes, "minute");
    if (Math.abs(minutes) < 1440) return relative.format(Math.trunc(minutes / 60), "hour");
    return relative.format(Math.trunc(minutes / 1440), "day");
  };
  const renewTimes = () => {
    for (const time of document.querySelectorAll("time[data-ago]")) {
      const words = inWords(Date.parse(time.dateTime));
      if (time.textContent !== words) time.textContent = words;
    }
  };
  setInterval(renewTimes, 20000);

  // Copying

  const copy = async (button) => {
    const source = button.dataset.copyFrom && document.getElementById(button.dataset.copyFrom);
    try {
      await navigator.clipboard.writeText(source ? source.textContent : button.dataset.copy);
    } catch {
      say("announcer", document.body.dataset.notCopied);
      return;
    }
    say("announcer", document.body.dataset.copied);
    button.classList.add("copied");
    setTimeout(() => button.classList.remove("copied"), 1500);
  };

  document.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    if (button.dataset.setTheme) {
      event.preventDefault();
      setTheme(button);
    } else if ("copy" in button.dataset || button.dataset.copyFrom) copy(button);
    else if ("pause" in button.dataset) setPaused(button.getAttribute("aria-pressed") !== "true");
  });

  // Ticking: one box for all boxes of its form.
  document.addEventListener("change", (event) => {
    if (!("tickAll" in event.target.dataset)) return;
    for (const box of event.target.form.querySelectorAll('input[type="checkbox"][name]')) box.checked = event.target.checked;
  });

  // Sending: the server's key makes a second click harmless, this only keeps it from looking lost.
  document.addEventListener("submit", (event) => {
    const button = event.submitter;
    if (button && "once" in button.dataset) setTimeout(() => { button.disabled = true; });
  });
  // Back to a page that was kept in memory: the button has to work again.
  addEventListener("pageshow", () => {
    for (const button of document.querySelectorAll("button[data-once]")) button.disabled = false;
  });

  // Polling: a poller is an element with data-poll. It rests while nobody looks, and slows down when nobody answers.

  let paused = false;
  let lostSince = null;
  let failures = 0;
  let notBefore = 0;
  const isPoller = (element) => element.matches("[data-poll]");

  const showLive = () => {
    for (const live of document.querySelectorAll(".live")) {
      live.hidden = !document.querySelector("[data-poll]");
      live.classList.toggle("paused", paused);
      live.querySelector("[data-pause]").setAttribute("aria-pressed", String(paused));
    }
  };
  const showUpdated = () => {
    const text = paused ? document.body.dataset.paused : document.body.dataset.updated.replace("{time}", clock());
    for (const place of document.querySelectorAll("[data-updated-at]")) place.textContent = text;
  };
  const setPaused = (wanted) => {
    paused = wanted;
    showLive();
    showUpdated();
    if (!paused) askNow();
  };
  const askNow = () => {
    notBefore = 0;
    for (const poller of document.querySelectorAll("[data-poll]")) htmx.trigger(poller, "ask-now");
  };
  document.addEventListener("visibilitychange", () => { if (!document.hidden) askNow(); });

  document.addEventListener("htmx:beforeRequest", (event) => {
    if (!isPoller(event.target)) return;
    if (paused || document.hidden || Date.now() < notBefore) event.preventDefault();
  });

  // Whoever selects text in a part that is renewed is not interrupted: the next answer brings the same news.
  const isSelectingIn = (element) => {
    const selection = getSelection();
    return !selection.isCollapsed && element.contains(selection.anchorNode);
  };
  let kept = null;
  document.addEventListener("htmx:beforeSwap", (event) => {
    const target = event.detail.target;
    if (!isPoller(target) || event.detail.xhr.status !== 200) return;
    if (isSelectingIn(target)) {
      event.detail.shouldSwap = false;
      return;
    }
    const focused = target.contains(document.activeElement) ? document.activeElement : null;
    kept = {
      open: [...target.querySelectorAll("details[open][id]")].map((details) => details.id),
      focus: focused && focusSelector(focused),
      announcement: target.dataset.announcement,
      alarm: target.dataset.alarm,
    };
  });
  const focusSelector = (element) => {
    if (element.id) return `#${CSS.escape(element.id)}`;
    if (element.dataset.copy) return `[data-copy="${CSS.escape(element.dataset.copy)}"]`;
    if (element.hasAttribute("href")) return `[href="${CSS.escape(element.getAttribute("href"))}"]`;
    return element.tagName === "SUMMARY" && element.parentElement.id ? `#${CSS.escape(element.parentElement.id)} > summary` : null;
  };

  document.addEventListener("htmx:afterSettle", (event) => {
    renewTimes();
    if (!kept) return;
    const { open, focus, announcement, alarm } = kept;
    kept = null;
    const fresh = document.getElementById(event.target.id) || event.target;
    for (const id of open) document.getElementById(id)?.setAttribute("open", "");
    if (focus && document.activeElement === document.body) fresh.querySelector(focus)?.focus({ preventScroll: true });
    if (fresh.dataset.title) document.title = fresh.dataset.title;
    const news = fresh.dataset.announcement;
    if (news && news !== announcement) {
      if (fresh.dataset.alarm && fresh.dataset.alarm !== alarm) say("alarm", news);
      else announce(news);
    }
    showLive();
  });

  const connection = document.getElementById("connection");
  document.addEventListener("htmx:afterRequest", (event) => {
    const status = event.detail.xhr.status;
    if (status < 200 || status >= 400) return;
    lostSince = null;
    failures = 0;
    notBefore = 0;
    connection.hidden = true;
    if (isPoller(event.target)) showUpdated();
  });
  const showLost = () => {
    failures += 1;
    notBefore = Date.now() + Math.min(60000, 1500 * 2 ** failures);
    lostSince ??= clock();
    const text = document.body.dataset.connectionLost.replace("{time}", lostSince);
    if (connection.textContent !== text) connection.textContent = text;
    connection.hidden = false;
  };
  // Not each request without an answer: one that a newer choice has replaced was not lost.
  for (const name of ["htmx:sendError", "htmx:timeout", "htmx:responseError"]) document.addEventListener(name, showLost);

  renewTimes();
  showLive();
})();
