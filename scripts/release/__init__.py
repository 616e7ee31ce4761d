"""What is made for a release: the desk's one file and the word lists."""
