// A scenario that is pointed at is opened; on paper all of them are.
const open = (element) => { if (element) element.open = true; };
const pointed = () => open(document.getElementById(location.hash.slice(1)));
addEventListener("hashchange", pointed);
addEventListener("beforeprint", () => document.querySelectorAll("details").forEach(open));
pointed();
