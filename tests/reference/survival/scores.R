# Reference numbers of predicted risks and of meta-analyses: R's riskRegression and metafor.
#
#   Rscript scores.R > scores.json   (and rm Rplots.pdf)
#
# (Debian bookworm: r-cran-riskregression r-cran-metafor r-cran-jsonlite)
suppressPackageStartupMessages({library(riskRegression); library(prodlim); library(survival); library(metafor)})
result <- list(versions = as.list(c(R = paste(R.version$major, R.version$minor, sep = "."),
  sapply(c("riskRegression", "metafor"), function(p) as.character(packageVersion(p))))))

# Predictions of others: Brier score, IPA and AUC with its error, censoring by Kaplan-Meier.
risks <- read.csv("pbc_risks.csv")
at <- c(365, 730, 1460, 2190, 2920, 3650)
predicted <- lapply(c(full = "full", small = "small"), function(m) as.matrix(risks[, paste0(m, "_", at)]))
x <- Score(predicted, formula = Hist(time, event) ~ 1, data = risks, cause = 1, times = at, metrics = c("auc", "brier"),
  summary = "ipa", cens.model = "km")
of <- function(table, model, column) table[[column]][table$model == model]
# Net benefit of acting from a predicted risk on, with the weights for censoring by prodlim's reverse Kaplan-Meier, which are
# riskRegression's.
thresholds <- c(0.05, 0.1, 0.2, 0.3, 0.5)
rows <- order(risks$time)
uncensored <- prodlim(Hist(time, event) ~ 1, data = risks[rows, ], reverse = TRUE)
before <- predictSurvIndividual(uncensored, lag = 1)
net_benefit <- function(model) sapply(seq_along(at), function(k) {
  d <- risks[rows, ]; risk <- predicted[[model]][rows, k]; seen <- d$time <= at[k] & d$event != 0
  weight <- ifelse(d$time > at[k], 1 / predict(uncensored, times = at[k]), ifelse(seen, 1 / before, 0))
  case <- as.numeric(seen & d$event == 1)
  sapply(thresholds, function(p) mean(weight * (risk >= p) * (case - p / (1 - p) * (1 - case))))
})
result$net_benefit <- list(thresholds = thresholds, full = net_benefit("full"), small = net_benefit("small"))
result$predictions <- lapply(c(null = "Null model", full = "full", small = "small"), function(m) list(
  brier = of(x$Brier$score, m, "Brier"), ipa = of(x$Brier$score, m, "IPA"),
  auc = of(x$AUC$score, m, "AUC"), auc_se = of(x$AUC$score, m, "se")))

# Own models: a Cox model of each cause, its risks, their scores, and the risks in quarters against what was seen.
lesions <- read.csv("lesions.csv")
dense <- seq(1, 400)
scored <- function(fit) {
  s <- Score(list(m = fit), formula = Hist(time, status) ~ 1, data = lesions, cause = 1, times = dense,
    metrics = c("auc", "brier"), summary = c("ipa", "ibs"), se.fit = FALSE, cens.model = "km", plots = "calibration")
  last <- s$Brier$score[s$Brier$score$times == 400 & s$Brier$score$model == "m", ]
  groups <- plotCalibration(s, times = 400, cens.method = "local", method = "quantile", q = 4, plot = FALSE)$plotFrames$m
  list(risk = unname(predictRisk(fit, newdata = lesions, times = c(100, 400), cause = 1)),
    brier = last$Brier, ipa = last$IPA, ibs = last$IBS, auc = s$AUC$score$AUC[s$AUC$score$times == 400],
    groups = list(predicted = groups$Pred, observed = groups$Obs))
}
result$models <- list(
  dose = scored(CSC(Hist(time, status) ~ d100_gy + diameter_mm + crlm, data = lesions)),
  strata = scored(CSC(Hist(time, status) ~ d100_gy + diameter_mm + strata(crlm), data = lesions)))

# Meta-analyses: series by number, with and without moderators, none left between them, each left out.
pooled <- function(y, v, mods = NULL) {
  f <- if (is.null(mods)) rma(y, v, control = list(threshold = 1e-14, maxiter = 1000)) else
    rma(y, v, mods = mods, control = list(threshold = 1e-14, maxiter = 1000))
  p <- if (is.null(mods)) predict(f) else predict(f, newmods = colMeans(as.matrix(mods)))
  list(y = y, v = v, mods = mods, coef = unname(c(f$beta)), se = f$se, tau2 = f$tau2, tau2_se = f$se.tau2, i2 = f$I2,
    h2 = f$H2, q = f$QE, q_p = f$QEp, qm = f$QM, qm_p = f$QMp, pvalue = f$pval,
    predicted = unname(unlist(unclass(p)[c("pred", "ci.lb", "ci.ub", "pi.lb", "pi.ub")])),
    without = if (is.null(mods)) leave1out(f)$estimate else NULL)
}
lesions_of <- c(140, 179, 212, 15); recurred <- c(5, 23, 18, 2)
y <- log((lesions_of - recurred) / recurred); v <- 1 / recurred + 1 / (lesions_of - recurred)
set.seed(7)
v9 <- runif(9, 0.02, 0.3); dose <- round(runif(9, 15, 25), 1); y9 <- 1 + 0.2 * (dose - 20) + rnorm(9, 0, sqrt(v9 + 0.1))
result$pooled <- list(local_control = pooled(y, v), by_type = pooled(y, v, cbind(c(0, 1, 0, 0), c(0, 0, 0, 1))),
  against_dose = pooled(y9, v9, cbind(dose)), alike = pooled(rep(0.5, 4) + c(0, 0.01, -0.01, 0), rep(0.2, 4)))
cat(jsonlite::toJSON(result, digits = I(15), auto_unbox = TRUE, matrix = "rowmajor", null = "null", na = "null"))
