"""What chapters teach with: questions, exercises that check themselves, hostile peers."""
