/* The page of a stored dose's DVHs: curves to read and to switch off. */
const byId = (id) => document.getElementById(id);
readableDvh(JSON.parse(byId("report-data").textContent).curves);
