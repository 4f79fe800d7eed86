# One chain of brms for gpu_benchmarks/run_brms.py: Rscript run_brms.R FOLDER WARMUP DRAWS SEED.
# Reads table.csv, formula.R and prior.R in the folder, writes draws.csv and facts.csv.
suppressPackageStartupMessages(library(brms))
arguments <- commandArgs(trailingOnly = TRUE)
folder <- arguments[1]
numbers <- as.integer(arguments[2:4])
warmup <- numbers[1]

table <- read.csv(file.path(folder, "table.csv"), check.names = FALSE)
began <- proc.time()[["elapsed"]]
formula <- eval(parse(file.path(folder, "formula.R")))
prior <- eval(parse(file.path(folder, "prior.R")))
fit <- brm(formula, data = table, prior = prior, chains = 1, cores = 1, backend = "rstan",
           warmup = warmup, iter = warmup + numbers[2], seed = numbers[3], refresh = 0, silent = 2)
everything <- proc.time()[["elapsed"]] - began

draws <- as.data.frame(as_draws_df(fit))
draws <- draws[grepl("^(b_|sd_|cor_|sigma|rescor_)", names(draws))]
nuts <- nuts_params(fit)
took <- rstan::get_elapsed_time(fit$fit)
facts <- data.frame(
  everything = everything, warmup = took[1, "warmup"], sampling = took[1, "sample"],
  leapfrogs = mean(nuts$Value[nuts$Parameter == "n_leapfrog__"]),
  divergences = sum(nuts$Value[nuts$Parameter == "divergent__"]),
  R = as.character(getRversion()), brms = as.character(packageVersion("brms")),
  rstan = as.character(packageVersion("rstan"))
)
write.csv(draws, file.path(folder, "draws.csv"), row.names = FALSE)
write.csv(facts, file.path(folder, "facts.csv"), row.names = FALSE)
