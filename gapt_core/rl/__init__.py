"""Post-training: rewards, rules, a discriminator and PPO (GAPT, arXiv 2511.17879)."""
