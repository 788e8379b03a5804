# Reference numbers of the outcome analysis: R's survival, cmprsk, coin, maxstat, npsurv, riskRegression.
#
#   Rscript tests/reference/survival/outcomes.R           (from the root of the checkout; Debian 12:
#   apt-get install r-base-core r-cran-survival r-cran-cmprsk r-cran-maxstat r-cran-coin r-cran-npsurv
#                   r-cran-riskregression r-cran-jsonlite)
#
# Writes outcomes.json (all digits, with the versions) and, with the argument "data", the data tables beside it.
suppressPackageStartupMessages({library(survival); library(cmprsk); library(jsonlite)})
folder <- "tests/reference/survival"
tight <- coxph.control(eps = 1e-14, toler.chol = 1e-15, iter.max = 100)
keep <- list(
  lung = c("inst", "time", "status", "age", "sex", "ph.ecog", "ph.karno", "wt.loss"),
  colon = c("id", "etype", "time", "status", "rx", "sex", "age", "obstruct", "nodes"),
  kidney = c("id", "time", "status", "age", "sex", "disease"),
  retinopathy = c("id", "futime", "status", "trt", "age", "type", "risk"),
  veteran = c("trt", "celltype", "time", "status", "karno", "diagtime", "age", "prior"),
  pbc = c("id", "time", "status", "trt", "age", "sex", "edema", "bili", "albumin", "protime", "stage"),
  mgus2 = c("id", "age", "sex", "hgb", "mspike", "ptime", "pstat", "futime", "death"))
if ("data" %in% commandArgs(TRUE)) for (name in names(keep)) {
  table <- get(name)[, keep[[name]]]
  table <- as.data.frame(lapply(table, function(x) if (is.factor(x)) as.character(x) else x))
  names(table) <- gsub(".", "_", names(table), fixed = TRUE)
  write.csv(table, file.path(folder, paste0(name, ".csv")), row.names = FALSE, quote = FALSE, na = "")
}
read <- function(name) read.csv(file.path(folder, paste0(name, ".csv")))
lung <- read("lung"); lung$status <- lung$status - 1
colon <- read("colon"); kidney <- read("kidney"); veteran <- read("veteran"); mgus2 <- read("mgus2"); pbc <- read("pbc")
retinopathy <- read("retinopathy"); lesions <- read("lesions")
mgus2$etime <- with(mgus2, ifelse(pstat == 0, futime, ptime))
mgus2$cause <- with(mgus2, ifelse(pstat == 0, 2 * death, 1))

# About 40 rows of a curve are as good a check as all of them.
rows <- function(n) unique(round(seq(1, n, length.out = min(n, 40))))

# Survival curves ------------------------------------------------------------------------------------------------
curve <- function(formula, data, conf.type) {
  s <- survfit(formula, data, conf.type = conf.type)
  q <- quantile(s, c(.25, .5, .75))
  i <- rows(length(s$time))
  list(time = s$time[i], n_risk = s$n.risk[i], n_event = s$n.event[i], survival = s$surv[i],
       std_err = (s$std.err * s$surv)[i], lower = s$lower[i], upper = s$upper[i], quantile = unname(q$quantile), quantile_lower = unname(q$lower),
       quantile_upper = unname(q$upper))
}
km <- list()
for (type in c("plain", "log", "log-log")) {
  km[[paste("lung", type)]] <- curve(Surv(time, status) ~ 1, lung, type)
  km[[paste("lesions", type)]] <- curve(Surv(time, status == 1) ~ 1, lesions, type)
}
km[["veteran log-log"]] <- curve(Surv(time, status) ~ 1, veteran, "log-log")
km[["colon death log-log"]] <- curve(Surv(time, status) ~ 1, colon[colon$etype == 2, ], "log-log")
km[["lung entry log"]] <- curve(Surv(pmin(time - 1, 30 * (inst %% 4)), time, status) ~ 1, lung[!is.na(lung$inst), ], "log")
clustered <- survfit(Surv(time, status == 1) ~ 1, lesions, cluster = patient)
rmean <- function(formula, data, tau) {
  t <- summary(survfit(formula, data), rmean = tau)$table
  unname(t[c("rmean", "se(rmean)")])
}

# Log-rank -------------------------------------------------------------------------------------------------------
lr <- function(...) { d <- survdiff(...); o <- d$obs; e <- d$exp
  list(chisq = d$chisq, observed = if (is.matrix(o)) rowSums(o) else o, expected = if (is.matrix(e)) rowSums(e) else e) }
logrank <- list(
  "lung sex" = lr(Surv(time, status) ~ sex, lung), "lung sex rho1" = lr(Surv(time, status) ~ sex, lung, rho = 1),
  "lung sex strata ecog" = lr(Surv(time, status) ~ sex + strata(ph.ecog), setNames(lung, sub("_", ".", names(lung)))),
  "colon rx" = lr(Surv(time, status) ~ rx + strata(etype), colon), "veteran celltype" = lr(Surv(time, status) ~ celltype, veteran),
  "retinopathy trt" = lr(Surv(futime, status) ~ trt, retinopathy), "kidney sex" = lr(Surv(time, status) ~ sex, kidney),
  "mgus2 sex" = lr(Surv(futime, death) ~ sex, mgus2), "pbc stage" = lr(Surv(time, status == 2) ~ stage, pbc),
  "lesions crlm" = lr(Surv(time, status == 1) ~ crlm, lesions),
  "lesions crlm rho1" = lr(Surv(time, status == 1) ~ crlm, lesions, rho = 1))

# Cox ------------------------------------------------------------------------------------------------------------
fit <- function(formula, data, cluster = NULL, ties = "efron", zph = TRUE) {
  data$one <- if (is.null(cluster)) seq_len(nrow(data)) else data[[cluster]]
  assign("fitted_rows", data, globalenv())  # cox.zph evaluates the call again
  f <- if (is.null(cluster)) coxph(formula, fitted_rows, ties = ties, control = tight, x = TRUE, y = TRUE) else
    coxph(formula, fitted_rows, ties = ties, control = tight, cluster = one, x = TRUE, y = TRUE)
  naive <- if (is.null(cluster)) f$var else f$naive.var
  result <- list(names = names(coef(f)), coef = unname(coef(f)), se = sqrt(diag(naive)), loglik = f$loglik, score = f$score,
                 wald = unname(f$wald.test), concordance = unname(f$concordance["concordance"]))
  if (!is.null(cluster)) result$robust_se <- sqrt(diag(f$var))
  if (zph) for (g in c("km", "rank", "identity", "log")) result[[paste0("zph_", g)]] <- unname(cox.zph(f, transform = g)$table[, 1])
  result
}
lungc <- lung[complete.cases(lung[, c("age", "sex", "ph_ecog", "wt_loss")]), ]
lungi <- lung[complete.cases(lung[, c("inst", "age", "sex", "ph_ecog")]), ]
colonc <- colon[complete.cases(colon), ]
pbcc <- pbc[complete.cases(pbc[, c("age", "edema", "bili", "albumin", "protime")]), ]
mgus2c <- mgus2[complete.cases(mgus2[, c("hgb", "mspike")]), ]
late <- lungi; late$entry <- pmin(late$time - 1, 30 * (late$inst %% 4))
cox <- list()
for (ties in c("efron", "breslow")) {
  add <- function(name, ...) cox[[paste(name, ties)]] <<- fit(..., ties = ties)
  add("lung", Surv(time, status) ~ age + sex + ph_ecog + wt_loss, lungc)
  add("lung inst", Surv(time, status) ~ age + sex + ph_ecog, lungi, "inst")
  add("lung entry", Surv(entry, time, status) ~ age + sex + ph_ecog, late, "inst")
  add("colon", Surv(time, status) ~ I(rx == "Lev") + I(rx == "Lev+5FU") + age + sex + nodes, colonc, "id")
  add("colon strata", Surv(time, status) ~ I(rx == "Lev") + I(rx == "Lev+5FU") + age + sex + nodes + strata(etype), colonc, "id")
  add("kidney", Surv(time, status) ~ age + sex, kidney, "id")
  add("retinopathy", Surv(futime, status) ~ trt + age + I(type == "adult") + risk, retinopathy, "id")
  add("veteran", Surv(time, status) ~ trt + karno + diagtime + age + prior, veteran)
  add("veteran strata", Surv(time, status) ~ trt + karno + age + strata(celltype), veteran)
  add("pbc", Surv(time, status == 2) ~ age + edema + log(bili) + log(albumin) + log(protime), pbcc)
  add("mgus2", Surv(futime, death) ~ age + I(sex == "M") + hgb + mspike, mgus2c)
  add("lesions", Surv(time, status == 1) ~ d100_gy + diameter_mm + crlm + age_years, lesions, "patient")
  add("lesions strata", Surv(time, status == 1) ~ d100_gy + diameter_mm + age_years + strata(crlm), lesions, "patient")
}
base <- coxph(Surv(time, status) ~ age + sex, lung, control = tight)
predicted <- summary(survfit(base, data.frame(age = 60, sex = 2)), times = c(100, 365, 700))$surv
offset_fit <- coxph(Surv(time, status) ~ sex + offset(0.02 * age), lung, control = tight)

# Concordance ----------------------------------------------------------------------------------------------------
cindex <- function(formula, data, timewt = "n", ymax = NULL, cluster = NULL) {
  data$one <- if (is.null(cluster)) seq_len(nrow(data)) else data[[cluster]]
  k <- concordance(formula, data, reverse = TRUE, timewt = timewt, ymax = ymax, cluster = one)
  c(unname(coef(k)), sqrt(vcov(k)))
}
concord <- list(
  "lung age" = cindex(Surv(time, status) ~ age, lung), "lung age uno" = cindex(Surv(time, status) ~ age, lung, timewt = "n/G2"),
  "lesions diameter" = cindex(Surv(time, status == 1) ~ diameter_mm, lesions),
  "lesions diameter patient" = cindex(Surv(time, status == 1) ~ diameter_mm, lesions, cluster = "patient"),
  "lesions diameter uno" = cindex(Surv(time, status == 1) ~ diameter_mm, lesions, timewt = "n/G2"),
  "pbc bili uno" = cindex(Surv(time, status == 2) ~ bili, pbc, timewt = "n/G2"),
  "pbc bili 1500" = cindex(Surv(time, status == 2) ~ bili, pbc, timewt = "n/G2", ymax = 1500))

# Competing risks ------------------------------------------------------------------------------------------------
incidence <- function(time, cause, ...) {
  s <- survfit(Surv(time, factor(cause)) ~ 1, ...)
  i <- rows(length(s$time))
  list(time = s$time[i], n_risk = s$n.risk[i, 1], incidence = s$pstate[i, -1], std_err = s$std.err[i, -1],
       lower = s$lower[i, -1], upper = s$upper[i, -1])
}
aj <- list(mgus2 = with(mgus2, incidence(etime, cause)), lesions = with(lesions, incidence(time, status)),
           pbc = with(pbc, incidence(time, status)))

versions <- c(R = as.character(getRversion()), sapply(c("survival", "cmprsk"), function(p) as.character(packageVersion(p))))
result <- list(versions = as.list(versions), km = km,
  km_cluster = list(time = clustered$time, std_err = clustered$std.err),
  rmst = list("lung 500" = rmean(Surv(time, status) ~ 1, lung, 500), "lesions 900" = rmean(Surv(time, status == 1) ~ 1, lesions, 900)),
  logrank = logrank, cox = cox, predicted = predicted, offset = unname(c(coef(offset_fit), sqrt(diag(vcov(offset_fit))))),
  concordance = concord, aj = aj)
source(file.path(folder, "outcomes_more.R"))
writeLines(toJSON(result, digits = I(15), auto_unbox = TRUE, na = "null"), file.path(folder, "outcomes.json"))
