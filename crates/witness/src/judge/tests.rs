mod budgets;
mod corruption;
mod doubts;
mod figures;
mod stories;
mod verdicts;
