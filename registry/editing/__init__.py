"""How the registry is edited: change sets, drafted by one person, approved by another, in force on their day."""
