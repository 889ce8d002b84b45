"""What every subpackage uses: errors, atomic writes, the user's cache. No domain knowledge."""
