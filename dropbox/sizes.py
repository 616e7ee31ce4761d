"""The fixed sizes of everything that leaves the front, in bytes.

Each kind of item has one size, so the length of a stored item reveals nothing.
"""

# 64 KiB: one block holds a report of 16,000 Chinese characters; 1,603 blocks hold a 100 MiB file.
BLOCK_BYTES = 65_536

# 128 random or keyed-hash bits: no two ids collide by chance among all the blocks a disk can hold.
ID_BYTES = 16

# Room for about 1,300 Chinese characters and the overhead of sealing them.
REPLY_BYTES = 4_096

# Blocks in one request to the vault: 1 MiB, the most ciphertext of one file in the front's memory.
PENDING_BATCH = 16

# All files of one report: a request to the vault as long as one with PENDING_BATCH blocks can claim
# this many pieces, with some to spare.
REPORT_FILES_BYTES = 1_200 * 2**20

# The reviewers that one drop seals to: a sealed report has room for this many recipients.
MAX_REVIEWERS = 16

# A response of the front, its headers included. Longer texts in another language can need more.
PAGE_BYTES = 32_768
