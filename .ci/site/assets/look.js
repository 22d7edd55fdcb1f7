// Before the page is drawn: the look that was chosen here before. Opened as a file, a page may have no storage; then the system decides.
"use strict";
try {
    const look = localStorage.getItem("netlab-look");
    if (look === "light" || look === "dark")
        document.documentElement.dataset.look = look;
} catch {
    // no storage
}
