"""The guided tour: a card beside what is to be done next, which goes on when it has been done."""
