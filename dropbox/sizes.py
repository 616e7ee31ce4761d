"""The fixed sizes of everything that leaves the front. All are bytes.

One size for each kind of thing, so that a stored thing tells nothing by its length.
"""

# 64 KiB: a report of 16,000 Chinese characters fits in one; 160 of them are a 10 MiB file.
BLOCK_BYTES = 65_536

# 128 random or keyed-hash bits: no two ids meet by chance in any number of blocks one disk can hold.
ID_BYTES = 16

# A reply of about 1,300 Chinese characters and its sealing.
REPLY_BYTES = 4_096

# Blocks in one request to the vault: 1 MiB, the most of a file that is in the front's memory as ciphertext.
PENDING_BATCH = 16
