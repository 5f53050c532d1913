"""What a change of a stack would do, in the team's words: from a preview's JSON to report and digest."""
