mod budgets;
mod doubts;
mod figures;
mod stories;
mod verdicts;
