// A classic script, which browsers load from files too, unlike the modules of this page: it says why nothing happens.
if (location.protocol === "file:") document.getElementById("play-file").hidden = false;
