"""The issuers that we sign for, and every key that each of them ever had here."""
