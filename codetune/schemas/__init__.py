"""What every table between the stages holds, declared once, and checked where it is read and where it is written."""
