"""The sizes that the formats, the front and the vault share."""

from dropbox import reply_bundle, sizes


def test_the_shared_sizes_are_those_of_the_formats() -> None:
    """Stored blocks, reports and bundles have them: another number needs another format."""
    assert (sizes.BLOCK_BYTES, sizes.ID_BYTES, sizes.REPLY_BYTES) == (65_536, 16, 4_096)
    assert (sizes.PENDING_BATCH, sizes.MAX_REVIEWERS) == (16, 16)
    assert sizes.REPORT_FILES_BYTES == 1_258_291_200
    assert (reply_bundle.REPLIES_IN_A_BUNDLE, reply_bundle.MAX_REPLIES) == (256, 4_096)
