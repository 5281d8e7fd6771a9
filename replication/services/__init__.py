"""What we do, one verb a file: triggering, submission, reconciliation and progress tell the story in order.

Services own their transactions, check the actor's right, take the time as an argument and know neither HTTP nor HTML.
"""
