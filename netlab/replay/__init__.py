"""Steps through what was recorded: values, in JSON, and a script that shows them where no kernel runs."""
