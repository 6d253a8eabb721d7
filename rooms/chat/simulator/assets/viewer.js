"use strict";

// What a viewer's client does: join, read the profile once, then live on events.
(() => {
  const STATUS = {
    to_be_started: "Starts soon",
    on_live: "Live",
    paused: "Paused",
    ended: "Ended",
    played_back: "Replay",
  };
  const MAX_ROWS = 200;
  const groupId = document.body.dataset.groupId;
  const base = `/sim/groups/${encodeURIComponent(groupId)}`;
  const byTest = (name) => document.querySelector(`[data-testid="${name}"]`);
  const part = (name) => document.querySelector(`[data-part="${name}"]`);
  const phone = byTest("viewer");
  const stream = byTest("stream");
  const say = byTest("say");
  let account = document.body.dataset.account;
  let online = 0;
  let isOver = false;

  if (!account) {
    account = `visitor_${Math.random().toString(36).slice(2, 8)}`;
    history.replaceState(null, "", `${base}/view?account=${account}`);
  }
  byTest("account").textContent = account;

  async function call(path, body) {
    const answer = await fetch(base + path, body && { method: "POST", body: JSON.stringify(body) });
    if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
    return answer.json();
  }

  // What is shown

  function showStatus(status) {
    if (!status) return;
    const pill = byTest("status");
    pill.dataset.status = status;
    pill.textContent = STATUS[status] || status;
    phone.dataset.status = status;
  }

  function readNotice(text) {
    if (!text.startsWith("{")) return { text, images: [] };
    try {
      const form = JSON.parse(text);
      const images = Array.isArray(form.images) ? form.images : [];
      return { text: String(form.text || ""), images: images.filter((one) => /^https:\/\//.test(one)) };
    } catch {
      return { text, images: [] };
    }
  }

  function showNotice(text) {
    const box = byTest("notice");
    const notice = readNotice(text || "");
    box.textContent = notice.text;
    for (const address of notice.images) {
      const image = document.createElement("img");
      image.src = address;
      image.alt = "";
      box.append(image);
    }
    box.hidden = !notice.text && !notice.images.length;
  }

  function showOnline(count) {
    online = Math.max(0, count);
    byTest("online").textContent = String(online);
  }

  function refuse(text) {
    const box = byTest("refusal");
    box.textContent = text;
    box.hidden = !text;
    stream.scrollTop = stream.scrollHeight;
  }

  function row(kind, from, text, data = {}) {
    const isAtEnd = stream.scrollHeight - stream.scrollTop - stream.clientHeight < 60;
    const item = document.createElement("li");
    item.dataset.testid = "message";
    item.dataset.kind = kind;
    item.dataset.own = String(data.from === account);
    if (data.seq) item.dataset.seq = data.seq;
    if (data.from) item.dataset.from = data.from;
    if (from) {
      const name = document.createElement("b");
      name.textContent = from;
      item.append(name);
    }
    item.append(text);
    const last = stream.lastElementChild;
    // Arrivals replace one another, so that they never push the talk away.
    if (kind === "enter" && last && last.dataset.kind === "enter") last.remove();
    stream.append(item);
    while (stream.children.length > MAX_ROWS) stream.firstChild.remove();
    if (isAtEnd) stream.scrollTop = stream.scrollHeight;
  }

  function heart(count) {
    const hearts = part("hearts");
    for (let n = 0; n < Math.min(count, 6) && hearts.children.length < 24; n += 1) {
      const one = document.createElement("span");
      one.textContent = "♥";
      one.addEventListener("animationend", () => one.remove());
      hearts.append(one);
    }
  }

  function gift(name, info) {
    const line = document.createElement("p");
    const count = Number(info.giftCount) || 1;
    line.textContent = `✦ ${name}: ${info.giftName || "a gift"} × ${count}`;
    const gifts = byTest("gifts");
    gifts.append(line);
    while (gifts.children.length > 2) gifts.firstChild.remove();
    setTimeout(() => line.remove(), 4000);
    return `sent ${info.giftName || "a gift"} × ${count}`;
  }

  // What is understood

  function readCommand(content) {
    try {
      const envelope = JSON.parse(content.Data || "");
      if (envelope.businessID !== "greenroom" || typeof envelope.data !== "object") return null;
      return { cmd: envelope.data.cmd, info: envelope.data.cmdInfo || {} };
    } catch {
      return null;
    }
  }

  const COMMANDS = {
    room_status(data, name, info) {
      showStatus(info.status);
      row("status", "", `The room is now: ${STATUS[info.status] || info.status}`, data);
    },
    room_notice(data, name, info) {
      const text = info.notification || info.introduction || info.text || "";
      showNotice(text);
      row("notice", "", `Notice: ${readNotice(text).text || "removed"}`, data);
    },
    warning(data, name, info) {
      row("warning", "⚠", info.text || "Please be kind.", data);
    },
    send_gift_message(data, name, info) {
      row("gift", name, gift(name, info), data);
    },
    like(data, name, info) {
      const count = Number(info.count) || 1;
      heart(count);
      row("like", name, count > 1 ? `liked × ${count}` : "liked", data);
    },
    online_count(data, name, info) {
      showOnline(Number(info.count) || online);
    },
    message_removed(data, name, info) {
      const gone = stream.querySelector(`[data-seq="${Number(info.seq)}"]`);
      if (gone) gone.remove();
    },
  };

  function isHighlight(data) {
    try {
      return JSON.parse(data.cloud_custom_data).style === "highlight";
    } catch {
      return false;
    }
  }

  function onMessage(data) {
    const name = data.nick || data.from;
    const texts = [];
    for (const element of data.body) {
      const content = element.MsgContent || {};
      if (element.MsgType === "TIMTextElem") {
        texts.push(content.Text || "");
      } else if (element.MsgType === "TIMCustomElem") {
        const command = readCommand(content);
        if (command && COMMANDS[command.cmd]) COMMANDS[command.cmd](data, name, command.info);
        else texts.push(content.Desc || "[custom message]");
      } else {
        texts.push(`[${element.MsgType.replace(/^TIM|Elem$/g, "").toLowerCase()}]`);
      }
    }
    if (texts.length) row(isHighlight(data) ? "highlight" : "text", name, texts.join(" "), data);
  }

  function leaveRoom(text) {
    isOver = true;
    phone.dataset.state = "out";
    for (const field of part("form").elements) field.disabled = true;
    refuse(text);
  }

  const EVENTS = {
    message: onMessage,
    attributes(data) {
      showStatus(data.attributes.room_status);
    },
    group_info(data) {
      const changed = data.changed;
      if (changed.Name) byTest("title").textContent = changed.Name;
      if (changed.AppDefinedData) showStatus(changed.AppDefinedData.room_status);
      if ("Notification" in changed) showNotice(changed.Notification);
      if (changed.MuteAllMember) row("system", "", changed.MuteAllMember === "On" ? "Everyone is muted." : "Everyone may speak again.");
    },
    system(data) {
      row("system", "", data.content);
    },
    member_enter(data) {
      showOnline(online + 1);
      row("enter", data.nick || data.account, "came in");
    },
    member_leave() {
      showOnline(online - 1);
    },
    muted(data) {
      refuse(data.seconds ? "You have been muted." : "");
    },
    kicked() {
      leaveRoom("You were removed from this room.");
    },
    banned() {
      leaveRoom("You were removed from this room and may not come back for now.");
    },
    destroyed() {
      leaveRoom("This room is closed.");
    },
  };

  // What is said

  async function speak(body) {
    try {
      const answer = await call("/messages", { account, ...body });
      refuse(answer.code ? `Not sent (${answer.code}): ${answer.info || "refused"}` : "");
      // A silent drop is told as success: the sender's own client still shows it.
      if (!answer.code && !answer.delivered && body.text) row("text", account, body.text, { from: account });
      return !answer.code;
    } catch (problem) {
      refuse(`Not sent: ${problem.message}`);
      return false;
    }
  }

  function custom(cmd, cmdInfo) {
    const data = JSON.stringify({ version: 1.0, businessID: "greenroom", data: { cmd, cmdInfo } });
    return [{ MsgType: "TIMCustomElem", MsgContent: { Data: data, Desc: "", Ext: "" } }];
  }

  part("form").addEventListener("submit", async (event) => {
    event.preventDefault();
    const text = say.value.trim();
    if (!text) return;
    say.value = "";
    if (!(await speak({ text })) && !say.value) say.value = text;
  });
  byTest("like").addEventListener("click", () => speak({ elements: custom("like", { count: 1 }), priority: "Low" }));
  byTest("gift").addEventListener("click", () => {
    const rose = { type: 1, giftUrl: "", giftCount: 1, giftName: "Rose 玫瑰", giftUnits: "朵", giftSEUrl: "" };
    speak({ elements: custom("send_gift_message", rose) });
  });

  async function readProfile() {
    const room = await call("");
    byTest("title").textContent = room.profile.name;
    part("owner").textContent = room.profile.owner;
    part("avatar").textContent = (room.profile.owner || "?").slice(0, 1).toUpperCase();
    showStatus(room.attributes.room_status || room.profile.custom.room_status);
    showNotice(room.profile.notification || room.profile.introduction);
    showOnline(room.online_count);
  }

  async function enter() {
    const answer = await call("/join", { account, platform: "Web" });
    if (answer.code) {
      await readProfile();
      leaveRoom(`You may not enter (${answer.code}): ${answer.info}`);
      return;
    }
    const feed = new EventSource(`${base}/feed?account=${encodeURIComponent(account)}`);
    for (const [kind, handle] of Object.entries(EVENTS)) {
      feed.addEventListener(kind, (event) => {
        // The browser's own error events have no data.
        if (event.data === undefined) return;
        handle(JSON.parse(event.data));
        if (isOver) feed.close();
      });
    }
    feed.addEventListener("open", () => {
      phone.dataset.state = "inside";
      readProfile();
    });
    feed.addEventListener("error", () => {
      if (!isOver) phone.dataset.state = "connecting";
    });
    setInterval(() => !isOver && readProfile().catch(() => {}), 10000);
    window.addEventListener("pagehide", () => {
      feed.close();
      if (!isOver) navigator.sendBeacon(`${base}/leave`, JSON.stringify({ account, platform: "Web" }));
    });
  }

  enter().catch((problem) => leaveRoom(`The room cannot be reached: ${problem.message}`));
})();
