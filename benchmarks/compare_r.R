# R's numbers for benchmarks/compare_r.py, which writes the tables that are read here and reads what is said there:
#
#     Rscript compare_r.R FOLDER        FOLDER/{codes,shares,replace,corrected}.csv  ->  FOLDER/r.csv: quantity,value
#
# What a Debian package computes comes from that package. Krippendorff's alpha and Gwet's coefficients have none there (irr and
# irrCAC are on CRAN only): they are written out below from the papers, pair by pair, unlike ours.

suppressWarnings(suppressPackageStartupMessages({
  library(survey); library(sandwich); library(clubSandwich); library(psych); library(vcd); library(geepack)
}))
folder <- commandArgs(trailingOnly = TRUE)[1]
table_of <- function(name) read.csv(file.path(folder, paste0(name, ".csv")))
found <- list()
say <- function(name, value) found[[name]] <<- unname(as.numeric(value))[1]

# ---- agreement ----------------------------------------------------------------------------------------------------------

codes <- table_of("codes")
coders <- c("a", "b", "c")
numbers <- 1:5
X <- as.matrix(codes[, coders])

both <- codes[!is.na(codes$a) & !is.na(codes$b), ]
pair <- cbind(both$a, both$b)
apart <- abs(outer(numbers, numbers, "-"))
agree <- list(identity = diag(5), linear = 1 - apart / 4, quadratic = 1 - (apart / 4)^2,
              ordinal = 1 - apart * (apart + 1) / 20)
for (w in names(agree))
  say(paste("kappa", w), suppressWarnings(cohen.kappa(pair, w = agree[[w]], levels = numbers))$weighted.kappa)
tab <- table(factor(both$a, numbers), factor(both$b, numbers))
say("vcd linear", Kappa(tab, weights = "Equal-Spacing")$Weighted["value"])
say("vcd quadratic", Kappa(tab, weights = "Fleiss-Cohen")$Weighted["value"])

# Gwet 2014, ch. 2 and 4: r_uk coders of the r_u of unit u chose k; means over all coded units, p_a over those of two and more.
gwet <- function(X, w) {
  r <- sapply(numbers, function(k) rowSums(X == k, na.rm = TRUE))
  m <- rowSums(r); two <- m >= 2; q <- length(numbers)
  pa <- mean(sapply(which(two), function(u) {
    v <- X[u, !is.na(X[u, ])]
    mean(unlist(lapply(seq_along(v), function(i) lapply(setdiff(seq_along(v), i), function(j) w[v[i], v[j]]))))
  }))
  pi <- colMeans((r / m)[m > 0, ])
  by <- sapply(coders, function(g) table(factor(X[, g], numbers)) / sum(!is.na(X[, g])))
  pairs <- combn(length(coders), 2)
  pe <- c(ac = sum(w) * sum(pi * (1 - pi)) / (q * (q - 1)), fleiss = drop(t(pi) %*% w %*% pi), bp = sum(w) / q^2,
          conger = mean(apply(pairs, 2, function(p) drop(t(by[, p[1]]) %*% w %*% by[, p[2]]))))
  c(pa = pa, (pa - pe) / (1 - pe))
}
for (w in c("identity", "quadratic", "ordinal"))
  for (name in names(g <- gwet(X, agree[[w]]))) say(paste("gwet", name, w), g[[name]])

# Krippendorff 2011: every ordered pair of values of a unit counts 1/(m - 1), pairs over all units tell chance.
alpha <- function(X, level) {
  X <- X[rowSums(!is.na(X)) >= 2, , drop = FALSE]
  v <- X[!is.na(X)]; n <- table(factor(v, numbers)); N <- length(v)
  delta <- function(c, k) switch(level, nominal = +(c != k), interval = (c - k)^2, ratio = ((c - k) / (c + k))^2,
    ordinal = mapply(function(c, k) { s <- min(c, k):max(c, k); (sum(n[s]) - (n[c] + n[k]) / 2)^2 }, c, k))
  observed <- sum(sapply(seq_len(nrow(X)), function(u) {
    x <- X[u, !is.na(X[u, ])]; g <- expand.grid(i = seq_along(x), j = seq_along(x)); g <- g[g$i != g$j, ]
    sum(delta(x[g$i], x[g$j])) / (length(x) - 1)
  }))
  g <- expand.grid(c = numbers, k = numbers)
  1 - (N - 1) * observed / sum(n[g$c] * n[g$k] * delta(g$c, g$k))
}
kish <- function(m) sum(m)^2 / sum(m^2)
few <- function(without, real) { d <- without - mean(without); min(real, 2 * sum(d^2)^2 / sum(d^4)) - 1 }
jk <- function(without) { G <- length(without); sqrt((G - 1) / G * sum((without - mean(without))^2)) }
two <- rowSums(!is.na(X)) >= 2
for (level in c("nominal", "ordinal", "interval", "ratio")) {
  a <- alpha(X, level)
  say(paste("alpha", level), a)
  without <- sapply(unique(codes$trace), function(t) log(1 - alpha(X[codes$trace != t, ], level)))
  commonest <- which.max(table(factor(X[two, ], numbers)))
  rare <- tapply(rowMeans(X[two, ] != commonest, na.rm = TRUE), codes$trace[two], sum)
  df <- few(without, sqrt(kish(table(codes$trace[two])) * kish(rare)))
  ends <- 1 - exp(log(1 - a) + c(1, -1) * qt(.975, df) * jk(without))
  say(paste("alpha low", level), ends[1]); say(paste("alpha high", level), ends[2])
}

# ---- shares and contrasts -----------------------------------------------------------------------------------------------

s <- table_of("shares")
d <- svydesign(ids = ~item, weights = ~1, data = s)
cop <- subset(d, condition == "cop")
m <- svymean(~y, cop, deff = "replace")
say("share", coef(m)); say("share se", SE(m)); say("deff", deff(m))
for (method in c("mean", "beta", "logit")) {
  ends <- attr(svyciprop(~y, cop, method = method), "ci")
  say(paste("low", method), ends[1]); say(paste("high", method), ends[2])
}
say("prop low", prop.test(31, 240, correct = FALSE)$conf.int[1])
say("prop high", prop.test(31, 240, correct = FALSE)$conf.int[2])
say("binom low", binom.test(31, 240)$conf.int[1]); say("binom high", binom.test(31, 240)$conf.int[2])

steady <- data.frame(trace = rep(1:9, each = 9), y = +(seq_len(9) %% 3 == 1))[-81, ]
ends <- attr(svyciprop(~y, svydesign(ids = ~trace, weights = ~1, data = steady), method = "beta"), "ci")
say("even low", ends[1]); say("even high", ends[2])

one <- s[s$condition == "cop", ]
rep <- as.svrepdesign(svydesign(ids = ~item, weights = ~1, data = one), type = "JK1", compress = FALSE, mse = FALSE)
logit <- withReplicates(rep, quote(qlogis(sum(.weights * y) / sum(.weights))), return.replicates = TRUE)
se <- sqrt(attr(logit$theta, "var")); theta <- as.numeric(logit$theta)
size <- tapply(one$y, one$item, length)
df <- few(as.numeric(logit$replicates), sqrt(kish(size) * kish(tapply(one$y, one$item, sum))))
say("logit se", se); say("jk low", plogis(theta - qt(.975, df) * se)); say("jk high", plogis(theta + qt(.975, df) * se))

rep <- as.svrepdesign(d, type = "JK1", compress = FALSE, mse = FALSE)
lor <- withReplicates(rep, quote({
  a <- condition == "cop"
  qlogis(sum((.weights * y)[a]) / sum(.weights[a])) - qlogis(sum((.weights * y)[!a]) / sum(.weights[!a]))
}), return.replicates = TRUE)
se <- sqrt(attr(lor$theta, "var")); theta <- as.numeric(lor$theta)
sizes <- rowSums(prop.table(table(s$item, s$condition), 2))
df <- few(as.numeric(lor$replicates), kish(sizes))
say("or", exp(theta)); say("or se", se); say("or low", exp(theta - qt(.975, df) * se)); say("or high", exp(theta + qt(.975, df) * se))
say("or p", 2 * pt(-abs(theta / se), df))

s$x <- +(s$condition == "cop")
plain <- glm(y ~ x, binomial, s, control = glm.control(epsilon = 1e-14))
say("glm coef", coef(plain)[2]); say("cl hc1", sqrt(vcovCL(plain, cluster = ~item, type = "HC1")[2, 2]))
d <- svydesign(ids = ~item, weights = ~1, data = s)
fit <- svyglm(y ~ x, d, family = quasibinomial, control = glm.control(epsilon = 1e-14))
say("svyglm se", SE(fit)[2]); say("svyglm p", summary(fit)$coefficients[2, 4])
for (statistic in c("F", "Wald", "Chisq")) say(paste("chisq", statistic), svychisq(~ y + x, d, statistic)$p.value)
for (working in c("independence", "exchangeable")) {
  gee <- geeglm(y ~ x, binomial, s[order(s$item), ], id = item, corstr = working,
                control = geese.control(epsilon = 1e-13, maxit = 100))
  say(paste("gee coef", working), coef(gee)[2]); say(paste("gee se", working), sqrt(vcov(gee)[2, 2]))
}

# ---- the alternative-annotator test -------------------------------------------------------------------------------------

r <- table_of("replace")
epsilon <- 0.1
worse <- list()
for (h in coders) {
  others <- r[, setdiff(coders, h)]
  human <- rowSums(others == r[[h]]); machine <- rowSums(others == r$machine)
  diff <- (human >= machine) - (machine >= human)
  worse[[h]] <- diff
  published <- t.test(diff, mu = epsilon, alternative = "less")
  say(paste("t", h), published$statistic); say(paste("p", h), published$p.value)
  # CR2 of the mean of trace means weighted by length, working variance of a trace's mean constant: of its sum, the length squared
  by <- data.frame(mean = tapply(diff, r$trace, mean), length = tapply(diff, r$trace, length))
  by$trace <- seq_len(nrow(by))
  line <- lm(mean ~ 1, by, weights = length)
  V <- vcovCR(line, cluster = by$trace, type = "CR2", target = rep(1, nrow(by)), inverse_var = FALSE)
  test <- coef_test(line, V, test = "Satterthwaite")
  say(paste("cr2 se", h), test$SE); say(paste("cr2 df", h), test$df)
  say(paste("cr2 p", h), pt((coef(line) - epsilon) / test$SE, test$df))
  # clubSandwich's own default: units alike only by chance
  plain <- lm(diff ~ 1)
  test <- coef_test(plain, vcovCR(plain, cluster = r$trace, type = "CR2"), test = "Satterthwaite")
  say(paste("default se", h), test$SE); say(paste("default df", h), test$df)
}
p <- c(.001, .012, .04, .3)
for (i in seq_along(p)) say(paste("by", i), p.adjust(p, "BY")[i])

# ---- corrected shares ---------------------------------------------------------------------------------------------------

k <- table_of("corrected")
G <- length(unique(k$trace))
k$tilde <- with(k, f + ifelse(is.na(y), 0, (y - f) / pi))
m <- svymean(~tilde, svydesign(ids = ~trace, weights = ~1, data = k))
say("dsl", coef(m)); say("dsl se published", SE(m) * sqrt((G - 1) / G))
rep <- as.svrepdesign(svydesign(ids = ~trace, weights = ~1, data = k), type = "JK1", compress = FALSE, mse = TRUE)
say("dsl se jackknife", SE(svymean(~tilde, rep)))
k$w <- ifelse(is.na(k$y), 0, 1 / k$pi); k$y0 <- ifelse(is.na(k$y), 0, k$y)
human <- lm(y0 ~ 1, k, weights = w)
say("human", coef(human)); say("human se published", sqrt(vcovCR(human, k$trace, "CR0", inverse_var = FALSE)))
V <- vcovCR(human, k$trace, "CR3", inverse_var = FALSE, target = residuals(human)^2)
say("human se jackknife", sqrt(V * (G - 1) / G)); say("human df", coef_test(human, V, test = "Satterthwaite")$df)
d <- svydesign(ids = ~trace, weights = ~w, data = k[k$w > 0, ])
fit <- svyglm(y ~ x, d, family = quasibinomial, control = glm.control(epsilon = 1e-14))
Gc <- length(unique(k$trace[k$w > 0]))
say("human log odds", coef(fit)[2]); say("human log odds se", SE(fit)[2] * sqrt((Gc - 1) / Gc))

versions <- sapply(c("survey", "sandwich", "clubSandwich", "psych", "vcd", "geepack"), function(x) as.character(packageVersion(x)))
writeLines(c("quantity,value", sprintf("%s,%.17g", names(found), unlist(found))), file.path(folder, "r.csv"))
cat(sprintf("R %s.%s", R.version$major, R.version$minor), paste(names(versions), versions), sep = ", ")
cat("\n")
