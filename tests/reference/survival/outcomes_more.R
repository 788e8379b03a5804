# The second half of outcomes.R: competing risks between groups, frailty, intervals, discrimination, cut-offs.
gray <- function(time, cause, group, ...) cuminc(time, cause, group, ...)$Tests
complete_pbc <- pbc[!is.na(pbc$stage), ]
result$gray <- list(
  "mgus2 sex" = with(mgus2, gray(etime, cause, sex)), "lesions crlm" = with(lesions, gray(time, status, crlm)),
  "pbc stage" = with(complete_pbc, gray(time, status, stage)),
  "lesions crlm strata" = with(lesions, gray(time, status, crlm, strata = diameter_mm > 30)),
  "lesions crlm rho" = with(lesions, gray(time, status, crlm, rho = 1)))
fg <- function(time, cause, x, of = 1) {
  f <- crr(time, cause, as.matrix(x), failcode = of, maxiter = 50, gtol = 1e-12)
  list(coef = unname(f$coef), se = unname(sqrt(diag(f$var))), loglik = f$loglik, loglik_null = f$loglik.null)
}
result$fine_gray <- list(
  mgus2 = with(mgus2c, fg(etime, cause, data.frame(age, male = sex == "M", hgb, mspike))),
  lesions = with(lesions, fg(time, status, data.frame(d100_gy, diameter_mm, crlm, age_years))),
  "lesions death" = with(lesions, fg(time, status, data.frame(d100_gy, diameter_mm, crlm, age_years), 2)),
  pbc = with(pbcc, fg(time, status, data.frame(age, edema, log(bili)), 2)))
# Gamma frailty: full information matrix, variance of the frailty iterated to the end.
fr <- function(formula, data, k) {
  f <- coxph(formula, data, control = tight)
  list(coef = unname(coef(f))[1:k], se = unname(sqrt(diag(f$var)))[1:k], theta = f$history[[1]]$theta,
       loglik = f$history[[1]]$c.loglik)
}
result$frailty <- list(
  kidney = fr(Surv(time, status) ~ age + sex + frailty(id, dist = "gamma", eps = 1e-11, sparse = FALSE), kidney, 2),
  retinopathy = fr(Surv(futime, status) ~ trt + age + frailty(id, dist = "gamma", eps = 1e-11, sparse = FALSE), retinopathy, 2),
  lesions = fr(Surv(time, status == 1) ~ d100_gy + diameter_mm + crlm + frailty(patient, dist = "gamma", eps = 1e-11, sparse = FALSE), lesions, 3))

# Intervals (left, right] of the scans ----------------------------------------------------------------------------
suppressPackageStartupMessages(library(npsurv))
npm <- function(left, right) {
  f <- npsurv(cbind(left, ifelse(is.na(right), Inf, right)), tol = 1e-14, maxit = 10000)
  list(left = f$f$left, right = ifelse(is.infinite(f$f$right), NA, f$f$right), mass = f$f$p, loglik = f$ll)
}
result$npmle <- list(lesions = with(lesions, npm(left, right)),
  crlm = with(lesions[lesions$crlm == 1, ], npm(left, right)))
sr <- function(formula, data, dist, cluster = NULL) {
  data$one <- if (is.null(cluster)) seq_len(nrow(data)) else data[[cluster]]
  tight <- survreg.control(rel.tolerance = 1e-14, maxiter = 100)
  f <- if (is.null(cluster)) survreg(formula, data, dist = dist, control = tight) else
    survreg(formula, data, dist = dist, control = tight, cluster = one)
  list(coef = unname(coef(f)), scale = f$scale, se = unname(sqrt(diag(f$var))), loglik = f$loglik[2])
}
positive <- lesions[!(lesions$left == 0 & is.na(lesions$right)), ]
positive$left <- ifelse(positive$left == 0, NA, positive$left)
result$interval <- list()
for (dist in c("weibull", "exponential", "loglogistic", "lognormal")) {
  result$interval[[dist]] <- sr(Surv(left, right, type = "interval2") ~ d100_gy + diameter_mm + crlm, positive, dist)
  result$interval[[paste(dist, "patient")]] <- sr(Surv(left, right, type = "interval2") ~ d100_gy + diameter_mm + crlm,
    positive, dist, "patient")
}
result$interval[["lung exact"]] <- sr(Surv(time, status) ~ age + sex, lung, "weibull")
# Maximally selected log-rank statistics ----------------------------------------------------------------------------
suppressPackageStartupMessages({library(coin); library(maxstat)})
ms <- function(formula, data, minprob = 0.1) {
  t <- coin::maxstat_test(formula, data = data, minprob = minprob, maxprob = 1 - minprob)
  list(statistic = as.numeric(statistic(t)), cutpoint = t@estimates$estimate$cutpoint)
}
result$maxstat <- list("lesions d100_gy" = ms(Surv(time, status == 1) ~ d100_gy, lesions),
  "lesions diameter_mm" = ms(Surv(time, status == 1) ~ diameter_mm, lesions),
  "veteran karno" = ms(Surv(time, status) ~ karno, veteran), "pbc bili" = ms(Surv(time, status == 2) ~ bili, pbc))
result$lausen92 <- sapply(c(1.5, 2, 2.5, 3, 4), function(b) maxstat::pLausen92(b, 0.1, 0.9))
result$lausen94 <- sapply(c(1.5, 2, 2.5, 3, 4), function(b) maxstat::pLausen94(b, 100, m = 10:90))
result$padjust <- list(p = c(.01, .04, .03, .2, .001), holm = p.adjust(c(.01, .04, .03, .2, .001), "holm"),
                       BH = p.adjust(c(.01, .04, .03, .2, .001), "BH"))
# Time-dependent area under the curve ---------------------------------------------------------------------------------
suppressPackageStartupMessages(library(riskRegression))
td <- function(time, event, marker, at, cause = NULL) {
  data <- data.frame(time, event, marker = plogis(as.numeric(scale(marker))))
  form <- if (max(event) == 1) Surv(time, event) ~ 1 else Hist(time, event) ~ 1
  s <- Score(list(m = data$marker), formula = form, data = data, times = at, metrics = "auc", conf.int = FALSE,
             cens.method = "ipcw", cens.model = "km", null.model = FALSE)
  s$AUC$score$AUC
}
result$auc <- list(
  "lung age" = with(lung, td(time, status, age, c(180, 365, 600))),
  "pbc bili" = with(pbc, td(time, 1 * (status == 2), bili, c(1000, 2000, 3000))),
  "lesions diameter_mm" = with(lesions, td(time, 1 * (status == 1), diameter_mm, c(150, 400, 700))),
  "lesions diameter_mm competing" = with(lesions, td(time, status, diameter_mm, c(150, 400, 700))))
versions <- c(versions, sapply(c("coin", "maxstat", "npsurv", "riskRegression"), function(p) as.character(packageVersion(p))))
result$versions <- as.list(versions)
