"""What chapters teach with: questions, exercises that check themselves, hostile peers, a diagnosis of a server of one's own."""
from netlab.teach.diagnose import diagnose

__all__ = ["diagnose"]
