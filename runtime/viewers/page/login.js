// The door: sends the token in the body of a request, never in an address.
const answer = document.getElementById("answer");

document.getElementById("form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const token = document.getElementById("token").value;
  try {
    const reply = await fetch("login", { method: "POST", body: JSON.stringify({ token }) });
    if (reply.ok) location.replace("./");
    else answer.textContent = (await reply.json()).error;
  } catch {
    answer.textContent = "No answer from the rig.";
  }
});
